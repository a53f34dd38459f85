-- Services that are sold over L402, as directories list them and as we find them. Amounts are integer msat.

CREATE TABLE endpoints (
    -- SHA-256 of the canonical URL; of the canonical URL with its sorted query where another query came first.
    url_hash            bytea PRIMARY KEY CHECK (octet_length(url_hash) = 32),
    -- What is asked.
    url                 text NOT NULL,
    canonical_url       text NOT NULL,
    -- The sorted query, empty without one.
    query               text NOT NULL DEFAULT '',
    host                text NOT NULL,
    http_method         text NOT NULL DEFAULT 'GET' CHECK (http_method IN ('GET', 'POST')),
    name                text,
    description         text,
    category            text,
    provider            text,
    provider_contact    text,
    consumption_type    text,
    -- Who listed it: '402index', 'l402.directory', 'self_registered'; 'ad_hoc' stands alone.
    sources             text[] NOT NULL CHECK (cardinality(sources) > 0),
    -- Whose word the texts and the advertised price are: 3 the owner's, 2 l402.directory's, 1 402index's, 0 nobody's.
    listing_rank        smallint NOT NULL DEFAULT 0,
    -- The operator's hash, where one is known.
    operator_id         bytea,
    -- What a directory says it costs, and what its last invoice asked for.
    advertised_msat     bigint CHECK (advertised_msat > 0),
    price_msat          bigint CHECK (price_msat > 0),
    price_seen_at       timestamptz,
    -- What the last free check found: 'l402', 'lsat', 'protocol_x402', 'open', ..., see ServiceAnswer.
    answer              text,
    invoice_check       text,
    token_format        text,
    lnget_compatible    boolean,
    payee               bytea CHECK (octet_length(payee) = 33),
    -- 0 when no answer came.
    last_status         integer,
    last_latency_ms     integer,
    -- A moving median: a step of 5 % towards every new latency.
    median_latency_ms   double precision,
    last_checked_at     timestamptz,
    check_count         bigint NOT NULL DEFAULT 0,
    success_count       bigint NOT NULL DEFAULT 0,
    last_error          text,
    next_check_at       timestamptz NOT NULL DEFAULT now(),
    last_paid_at        timestamptz,
    last_paid_outcome   text,
    -- Sum over the queries for it of e^(-age / 3 days), as of last_query_at.
    demand              double precision NOT NULL DEFAULT 0,
    last_query_at       timestamptz,
    -- Consecutive answers 404 or 410.
    gone_count          integer NOT NULL DEFAULT 0,
    deprecated_at       timestamptz,
    deprecated_reason   text,
    -- What a directory has measured: a hint, no evidence.
    upstream_source     text,
    upstream_health     text,
    upstream_uptime     double precision,
    upstream_latency_ms integer,
    upstream_reliability double precision CHECK (upstream_reliability BETWEEN 0 AND 100),
    upstream_checked_at timestamptz,
    first_seen          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
CREATE INDEX endpoints_due ON endpoints (next_check_at);
CREATE INDEX endpoints_host ON endpoints (host);
CREATE INDEX endpoints_category ON endpoints (category);
CREATE UNIQUE INDEX endpoints_identity ON endpoints (canonical_url, query);

-- Invoices of challenges that we have seen: what a report about a payment can be tied to.
CREATE TABLE seen_invoices (
    payment_hash bytea PRIMARY KEY CHECK (octet_length(payment_hash) = 32),
    url_hash     bytea NOT NULL,
    payee        bytea NOT NULL,
    amount_msat  bigint NOT NULL,
    expires_at   timestamptz NOT NULL,
    first_seen   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX seen_invoices_endpoint ON seen_invoices (url_hash, first_seen);
CREATE INDEX seen_invoices_age ON seen_invoices (first_seen);

-- Every payment of ours. A row is written before a node is asked to pay, so nothing is ever spent that is not here.
CREATE TABLE spend_ledger (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_hash   bytea NOT NULL UNIQUE CHECK (octet_length(payment_hash) = 32),
    kind           text NOT NULL CHECK (kind IN ('paid_probe', 'api_probe')),
    -- Payments of one run of a job share their budget.
    cycle          text NOT NULL,
    url_hash       bytea,
    amount_msat    bigint NOT NULL CHECK (amount_msat > 0),
    fee_limit_msat bigint NOT NULL CHECK (fee_limit_msat >= 0),
    -- What was really paid: set when state is 'settled'.
    paid_msat      bigint CHECK (paid_msat > 0),
    fee_msat       bigint CHECK (fee_msat >= 0),
    state          text NOT NULL DEFAULT 'reserved' CHECK (state IN ('reserved', 'settled', 'failed', 'unknown')),
    failure        text,
    created_at     timestamptz NOT NULL DEFAULT now(),
    settled_at     timestamptz,
    CHECK ((state = 'settled') = (paid_msat IS NOT NULL AND fee_msat IS NOT NULL))
);
CREATE INDEX spend_ledger_open ON spend_ledger (created_at) WHERE state IN ('reserved', 'unknown');
CREATE INDEX spend_ledger_settled ON spend_ledger (settled_at) WHERE state = 'settled';
CREATE INDEX spend_ledger_cycle ON spend_ledger (cycle);

-- What counts against a budget: what was spent in the window, and all that may still be spent.
CREATE FUNCTION assay_spent_msat(in_kind text, in_cycle text, in_window interval) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE state WHEN 'settled' THEN paid_msat + fee_msat ELSE amount_msat + fee_limit_msat END), 0)::bigint
    FROM spend_ledger
    WHERE state <> 'failed' AND kind = in_kind AND (in_cycle IS NULL OR cycle = in_cycle)
        AND (state <> 'settled' OR in_window IS NULL OR settled_at > now() - in_window)
$$;

-- Takes an amount and its fee limit out of the budgets, or says why not: 'over_cap', 'cycle', 'window', 'duplicate'.
-- Callers of one kind wait for each other, so no two can take the same rest of a budget.
CREATE FUNCTION assay_reserve_spend(
    in_hash bytea, in_kind text, in_cycle text, in_url_hash bytea, in_amount bigint, in_fee_limit bigint,
    in_cap bigint, in_cycle_budget bigint, in_window_budget bigint
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    IF in_amount > in_cap THEN RETURN 'over_cap'; END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('assay spend ' || in_kind, 0));
    IF EXISTS (SELECT FROM spend_ledger WHERE payment_hash = in_hash) THEN RETURN 'duplicate'; END IF;
    IF assay_spent_msat(in_kind, in_cycle, NULL) + in_amount + in_fee_limit > in_cycle_budget THEN RETURN 'cycle'; END IF;
    IF assay_spent_msat(in_kind, NULL, interval '24 hours') + in_amount + in_fee_limit > in_window_budget THEN
        RETURN 'window';
    END IF;
    INSERT INTO spend_ledger (payment_hash, kind, cycle, url_hash, amount_msat, fee_limit_msat)
    VALUES (in_hash, in_kind, in_cycle, in_url_hash, in_amount, in_fee_limit) ON CONFLICT DO NOTHING;
    RETURN CASE WHEN FOUND THEN 'reserved' ELSE 'duplicate' END;
END
$$;

-- Probes that callers of the API have asked for. The API holds no key to a wallet: the crawler does them.
CREATE TABLE probe_requests (
    id                 bytea PRIMARY KEY CHECK (octet_length(id) = 16),
    url                text NOT NULL,
    dry_run            boolean NOT NULL,
    include_credential boolean NOT NULL,
    -- What the target's invoice may ask for, and what the payment's fee may be.
    max_amount_msat    bigint NOT NULL CHECK (max_amount_msat >= 0),
    fee_limit_msat     bigint NOT NULL CHECK (fee_limit_msat >= 0),
    -- Who may ask for the result: SHA-256 of what pays for it; NULL for the operator.
    holder             bytea,
    -- What the caller was charged when the answer came before the result, to be made good afterwards.
    charged_msat       bigint CHECK (charged_msat >= 0),
    charged_hash       bytea CHECK (octet_length(charged_hash) = 32),
    refunded_at        timestamptz,
    state              text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'dropped')),
    -- The crawler that works on it, and until when it is believed to.
    owner              text,
    lease_until        timestamptz,
    result             jsonb,
    -- What was spent on it, and which price is due on top: that of a probe, of a look only, or none.
    spent_msat         bigint CHECK (spent_msat >= 0),
    billing            text CHECK (billing IN ('probe', 'look', 'none')),
    created_at         timestamptz NOT NULL DEFAULT now(),
    finished_at        timestamptz,
    CHECK ((state = 'done') = (result IS NOT NULL AND spent_msat IS NOT NULL AND billing IS NOT NULL))
);
CREATE INDEX probe_requests_open ON probe_requests (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX probe_requests_age ON probe_requests (created_at);

-- HTLC probes: what they lock and how often they go out.
CREATE TABLE htlc_probes (
    payment_hash bytea PRIMARY KEY CHECK (octet_length(payment_hash) = 32),
    node         bytea NOT NULL,
    amount_msat  bigint NOT NULL CHECK (amount_msat > 0),
    -- NULL while it is under way: its amount is locked.
    outcome      text,
    sent_at      timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
);
CREATE INDEX htlc_probes_sent ON htlc_probes (sent_at);
