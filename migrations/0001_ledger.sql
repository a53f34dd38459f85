-- The ledger. Amounts are integer millisatoshi (msat).

-- What a payer has bought: one row per payment, made when it is first used.
CREATE TABLE credits (
    payment_hash bytea PRIMARY KEY CHECK (octet_length(payment_hash) = 32),
    token_id     bytea NOT NULL CHECK (octet_length(token_id) = 32),
    service      text NOT NULL,
    tier         smallint NOT NULL,
    -- What the invoice was for, such as 'call' or 'deposit'.
    purpose      text NOT NULL,
    paid_msat    bigint NOT NULL,
    spent_msat   bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    CONSTRAINT credits_balance CHECK (spent_msat >= 0 AND spent_msat <= paid_msat)
) WITH (fillfactor = 70); -- room for HOT updates; no index may name spent_msat or last_used_at

-- Value that is debited and not yet earned. A row lives for one request; the sweeper gives overdue ones back.
CREATE TABLE holds (
    hold_id      bytea PRIMARY KEY CHECK (octet_length(hold_id) = 16),
    payment_hash bytea NOT NULL,
    amount_msat  bigint NOT NULL CHECK (amount_msat > 0),
    route        text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    deadline     timestamptz NOT NULL
);

CREATE INDEX holds_deadline ON holds (deadline);

-- What happened. credits can be rebuilt from it: paid = pay + deposit + bonus - refund, spent = hold - release.
CREATE TABLE ledger_entries (
    entry_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL DEFAULT now(),
    kind         text NOT NULL
                 CHECK (kind IN ('mint', 'pay', 'hold', 'settle', 'release', 'refund', 'bonus', 'deposit')),
    payment_hash bytea NOT NULL,
    hold_id      bytea CHECK ((hold_id IS NOT NULL) = (kind IN ('hold', 'settle', 'release'))),
    route        text,
    amount_msat  bigint NOT NULL CHECK (amount_msat > 0)
);

-- A payment is credited once and a hold ends once, whatever the code does.
CREATE UNIQUE INDEX ledger_entries_one_payment ON ledger_entries (payment_hash) WHERE kind = 'pay';
CREATE UNIQUE INDEX ledger_entries_one_end ON ledger_entries (hold_id) WHERE kind IN ('settle', 'release');
CREATE INDEX ledger_entries_at ON ledger_entries USING brin (at);

CREATE FUNCTION ledger_entries_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger_entries is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER ledger_entries_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_refuse_change();
