-- Deposits, limits of narrowed tokens, carried balances, idempotent answers, settled invoices, revocation, operators.

-- Of each route's price a credit pays rate_ppm millionths: 1,000,000 for calls, less for deposits. Fixed when the credit
-- is made. A closed credit cannot be debited any more: its value was carried to another one, or it was revoked.
ALTER TABLE credits
    ADD COLUMN rate_ppm  integer NOT NULL DEFAULT 1000000 CHECK (rate_ppm BETWEEN 1 AND 1000000),
    ADD COLUMN closed_at timestamptz;
CREATE INDEX credits_created_at ON credits (created_at, payment_hash);

-- paid = mint + pay + deposit + bonus + carry_in - carry_out; spent = hold - release - refund; earned = settle - refund.
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_kind_check;
ALTER TABLE ledger_entries
    ADD CONSTRAINT ledger_entries_kind_check CHECK (kind IN (
        'mint', 'pay', 'hold', 'settle', 'release', 'refund', 'bonus', 'deposit', 'carry_in', 'carry_out')),
    -- What makes an entry of an operator unique, so that a repeated order has no second effect.
    ADD COLUMN reference text;
CREATE INDEX ledger_entries_payment_hash ON ledger_entries (payment_hash, entry_id);
DROP INDEX ledger_entries_one_payment;
CREATE UNIQUE INDEX ledger_entries_one_payment ON ledger_entries (payment_hash)
    WHERE kind IN ('mint', 'pay', 'deposit');
CREATE UNIQUE INDEX ledger_entries_one_carry_out ON ledger_entries (payment_hash) WHERE kind = 'carry_out';
CREATE UNIQUE INDEX ledger_entries_reference ON ledger_entries (reference) WHERE reference IS NOT NULL;

-- What tokens narrowed by n_uses or max_sats have used, by the SHA-256 of the signature at that caveat.
CREATE TABLE token_uses (
    limit_key    bytea PRIMARY KEY CHECK (octet_length(limit_key) = 32),
    payment_hash bytea NOT NULL,
    uses         bigint NOT NULL DEFAULT 0 CHECK (uses >= 0),
    spent_msat   bigint NOT NULL DEFAULT 0 CHECK (spent_msat >= 0)
) WITH (fillfactor = 70);
ALTER TABLE holds ADD COLUMN limit_keys bytea[];

-- Debits a credit if the limits of the token hold as well. The credit's row lock orders all debits of one payment, so the
-- limits, which all belong to that payment, can be read and written without another lock.
CREATE FUNCTION debit_within_limits(
    hash bytea, price bigint, hold bytea, family text, lifetime_ms bigint,
    keys bytea[], use_limits bigint[], msat_limits bigint[],
    OUT outcome text, OUT paid bigint, OUT spent bigint
) LANGUAGE plpgsql AS $$
DECLARE
    owner credits%ROWTYPE;
BEGIN
    SELECT * INTO owner FROM credits WHERE payment_hash = hash FOR UPDATE;
    paid := owner.paid_msat;
    spent := owner.spent_msat;
    IF owner.payment_hash IS NULL THEN outcome := 'missing'; RETURN; END IF;
    IF owner.closed_at IS NOT NULL THEN outcome := 'closed'; RETURN; END IF;
    IF owner.expires_at <= now() THEN outcome := 'expired'; RETURN; END IF;
    IF EXISTS (
        SELECT FROM unnest(keys, use_limits, msat_limits) AS w (limit_key, use_limit, msat_limit)
          LEFT JOIN token_uses u ON u.limit_key = w.limit_key
         WHERE coalesce(u.uses, 0) + 1 > w.use_limit OR coalesce(u.spent_msat, 0) + price > w.msat_limit
    ) THEN outcome := 'limited'; RETURN; END IF;
    IF owner.spent_msat + price > owner.paid_msat THEN outcome := 'insufficient'; RETURN; END IF;
    INSERT INTO token_uses AS u (limit_key, payment_hash, uses, spent_msat)
    SELECT DISTINCT limit_key, hash, 1, price FROM unnest(keys) AS w (limit_key)
    ON CONFLICT (limit_key) DO UPDATE SET uses = u.uses + 1, spent_msat = u.spent_msat + excluded.spent_msat;
    UPDATE credits SET spent_msat = spent_msat + price, last_used_at = now() WHERE payment_hash = hash
        RETURNING spent_msat INTO spent;
    INSERT INTO holds (hold_id, payment_hash, amount_msat, route, limit_keys, deadline)
    VALUES (hold, hash, price, family, keys, now() + lifetime_ms * interval '1 millisecond');
    INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
    VALUES ('hold', hash, hold, family, price);
    outcome := 'held';
END
$$;

-- Which credit the payment of an upgrade replaces; written for holders of a paid token only.
CREATE TABLE upgrades (
    payment_hash bytea PRIMARY KEY CHECK (octet_length(payment_hash) = 32),
    source       bytea NOT NULL CHECK (octet_length(source) = 32),
    created_at   timestamptz NOT NULL DEFAULT now()
);

-- Makes the credit of a payment and carries what is left of another one over to it, which is closed and its token revoked.
-- 'busy' while the other one has holds: what they release must not be lost.
CREATE FUNCTION open_carrying(
    hash bytea, token bytea, service_name text, service_tier smallint, bought text, amount bigint,
    ends_at timestamptz, rate integer, source bytea,
    OUT outcome text, OUT carried bigint
) LANGUAGE plpgsql AS $$
DECLARE
    old credits%ROWTYPE;
BEGIN
    carried := 0;
    SELECT * INTO old FROM credits WHERE payment_hash = source FOR UPDATE;
    IF EXISTS (SELECT FROM credits WHERE payment_hash = hash) THEN outcome := 'exists'; RETURN; END IF;
    IF old.closed_at IS NULL AND EXISTS (SELECT FROM holds WHERE payment_hash = source) THEN
        outcome := 'busy';
        RETURN;
    END IF;
    IF old.payment_hash IS NOT NULL AND old.closed_at IS NULL AND (old.expires_at IS NULL OR old.expires_at > now())
    THEN
        carried := old.paid_msat - old.spent_msat;
    END IF;
    INSERT INTO credits (payment_hash, token_id, service, tier, purpose, paid_msat, expires_at, rate_ppm)
    VALUES (hash, token, service_name, service_tier, bought, amount + carried, ends_at, rate)
    ON CONFLICT (payment_hash) DO NOTHING;
    IF NOT FOUND THEN outcome := 'exists'; carried := 0; RETURN; END IF;
    INSERT INTO ledger_entries (kind, payment_hash, amount_msat)
    VALUES (CASE bought WHEN 'deposit' THEN 'deposit' ELSE 'pay' END, hash, amount);
    IF old.payment_hash IS NOT NULL AND old.closed_at IS NULL THEN
        UPDATE credits SET paid_msat = paid_msat - carried, closed_at = now() WHERE payment_hash = source;
        INSERT INTO revocations (subject, kind, reason, revoked_by)
        VALUES (old.token_id, 'token', 'replaced', 'upgrade') ON CONFLICT DO NOTHING;
    END IF;
    IF carried > 0 THEN
        INSERT INTO ledger_entries (kind, payment_hash, amount_msat)
        VALUES ('carry_out', source, carried), ('carry_in', hash, carried);
    END IF;
    outcome := 'opened';
END
$$;

-- Gives earned value back to its credit. A repeated reference has no second effect.
CREATE FUNCTION refund_credit(
    hash bytea, amount bigint, family text, ref text, OUT outcome text, OUT remaining bigint
) LANGUAGE plpgsql AS $$
DECLARE
    owner credits%ROWTYPE;
    held bigint;
BEGIN
    SELECT * INTO owner FROM credits WHERE payment_hash = hash FOR UPDATE;
    IF owner.payment_hash IS NULL THEN outcome := 'missing'; RETURN; END IF;
    remaining := owner.paid_msat - owner.spent_msat;
    IF EXISTS (SELECT FROM ledger_entries WHERE reference = ref) THEN outcome := 'done'; RETURN; END IF;
    IF owner.closed_at IS NOT NULL THEN outcome := 'closed'; RETURN; END IF;
    SELECT coalesce(sum(amount_msat), 0) INTO held FROM holds WHERE payment_hash = hash;
    IF owner.spent_msat - held < amount THEN outcome := 'too_much'; RETURN; END IF;
    UPDATE credits SET spent_msat = spent_msat - amount WHERE payment_hash = hash;
    INSERT INTO ledger_entries (kind, payment_hash, route, amount_msat, reference)
    VALUES ('refund', hash, coalesce(family, (
        SELECT route FROM ledger_entries WHERE payment_hash = hash AND kind = 'settle' ORDER BY entry_id DESC LIMIT 1
    )), amount, ref);
    remaining := remaining + amount;
    outcome := 'refunded';
END
$$;

-- Answers kept for a repeated Idempotency-Key. Without a status the first request is still under way.
CREATE TABLE idempotent_answers (
    payment_hash   bytea NOT NULL,
    key            text NOT NULL,
    -- SHA-256 of method, target and body of the request.
    fingerprint    bytea NOT NULL,
    -- Names the request that works on it, so that a late one cannot overwrite its successor's answer.
    worker         bytea NOT NULL,
    reserved_until timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    status         smallint,
    headers        jsonb,
    body           bytea,
    PRIMARY KEY (payment_hash, key)
);
CREATE INDEX idempotent_answers_expires_at ON idempotent_answers (expires_at);

-- Our invoices that have been paid, so that a token paid for works while the node is down.
CREATE TABLE settled_invoices (
    payment_hash bytea PRIMARY KEY CHECK (octet_length(payment_hash) = 32),
    amount_msat  bigint NOT NULL,
    settled_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX settled_invoices_settled_at ON settled_invoices (settled_at);

-- Where following a node's invoices goes on after a restart.
CREATE TABLE invoice_cursors (
    node         text PRIMARY KEY,
    add_index    bigint NOT NULL,
    settle_index bigint NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

-- Tokens that are not good any more, by token id or by payment hash.
CREATE TABLE revocations (
    subject    bytea PRIMARY KEY CHECK (octet_length(subject) = 32),
    kind       text NOT NULL CHECK (kind IN ('token', 'payment')),
    reason     text NOT NULL,
    revoked_by text NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(TG_ARGV[0], '');
    RETURN NULL;
END
$$;

CREATE TRIGGER revocations_tell AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON revocations
    FOR EACH STATEMENT EXECUTE FUNCTION tell_change('assay_revocations');

-- Credentials of operators: 'bypass' uses paid routes without paying, 'admin' uses the admin routes of its scopes.
CREATE TABLE operator_credentials (
    name         text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    kind         text NOT NULL CHECK (kind IN ('bypass', 'admin')),
    scopes       text[] NOT NULL DEFAULT '{}',
    secret_hash  bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    uses         bigint NOT NULL DEFAULT 0,
    last_used_at timestamptz
);

CREATE TRIGGER operator_credentials_tell
    AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF expires_at, revoked_at, scopes ON operator_credentials
    FOR EACH STATEMENT EXECUTE FUNCTION tell_change('assay_operators');

-- What operators have done.
CREATE TABLE admin_actions (
    action_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    actor     text NOT NULL,
    action    text NOT NULL,
    subject   text NOT NULL,
    detail    text NOT NULL DEFAULT ''
);
