-- What was observed of nodes and services, the beliefs that follow from it, and how well those beliefs foretold what
-- came after.
--
-- kind: what is believed in (1 node, 2 endpoint, 3 operator). id: a node's or URL's hash, or an operator's. source:
-- 1 probe, 2 report, 3 paid. stage: 0 none, 1 to 5 the stages of an L402 call. Times are Unix seconds.

-- Nothing wrote the first shape of this table.
DROP TABLE posteriors;

-- Beta beliefs on the flat prior Beta(1.5, 1.5), with forgetting. Outcomes of the same six hours are alike, so the newest
-- six hours are kept apart and weigh k / (1 + 0.9 (k - 1)) together; alpha and beta include them.
CREATE TABLE posteriors (
    kind           smallint NOT NULL,
    id             bytea NOT NULL,
    source         smallint NOT NULL,
    stage          smallint NOT NULL DEFAULT 0,
    alpha          double precision NOT NULL CHECK (alpha >= 1.5),
    beta           double precision NOT NULL CHECK (beta >= 1.5),
    -- Time of the newest outcome; alpha and beta are as of then.
    last_ts        bigint NOT NULL,
    -- Outcomes taken in, unweighted.
    n              bigint NOT NULL,
    -- As of last_ts, without the outcomes of the open six hours.
    settled_alpha  double precision NOT NULL,
    settled_beta   double precision NOT NULL,
    -- The open six hours: their number since 1970, and the outcomes, their weight and the weight of the successes in them.
    bucket         bigint NOT NULL,
    bucket_n       integer NOT NULL,
    bucket_weight  double precision NOT NULL,
    bucket_success double precision NOT NULL,
    PRIMARY KEY (kind, id, source, stage)
) WITH (fillfactor = 70);

-- The belief about a target before any outcome of its own, learnt from targets like it; no row is the flat prior.
CREATE TABLE target_priors (
    kind  smallint NOT NULL,
    id    bytea NOT NULL,
    stage smallint NOT NULL DEFAULT 0,
    alpha double precision NOT NULL CHECK (alpha > 0),
    beta  double precision NOT NULL CHECK (beta > 0),
    -- The group that taught it: 'operator', 'category', 'stage', 'capacity_age', 'node', 'upstream'.
    level text NOT NULL,
    PRIMARY KEY (kind, id, stage)
);

-- Every outcome, with the success probability that was published for it before it was known.
CREATE TABLE outcomes (
    observed_at bigint NOT NULL,
    kind        smallint NOT NULL,
    id          bytea NOT NULL,
    source      smallint NOT NULL,
    stage       smallint NOT NULL,
    success     boolean NOT NULL,
    weight      double precision NOT NULL,
    label       text NOT NULL,
    predicted   double precision NOT NULL CHECK (predicted > 0 AND predicted < 1)
) PARTITION BY RANGE (observed_at);
CREATE INDEX outcomes_target ON outcomes (kind, id, stage, observed_at);
CREATE INDEX outcomes_time ON outcomes (observed_at);

-- Outcomes by UTC day, for display and trends.
CREATE TABLE buckets (
    kind   smallint NOT NULL,
    id     bytea NOT NULL,
    source smallint NOT NULL,
    stage  smallint NOT NULL DEFAULT 0,
    day    date NOT NULL,
    n      bigint NOT NULL,
    s      bigint NOT NULL,
    PRIMARY KEY (day, kind, id, source, stage)
) PARTITION BY RANGE (day);

-- Attempts of our own to send money along a path, real or as an HTLC probe: what is known of channels' balances.
CREATE TABLE path_outcomes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    observed_at  bigint NOT NULL,
    -- 1 a payment, 2 an HTLC probe.
    kind         smallint NOT NULL CHECK (kind IN (1, 2)),
    amount_msat  bigint NOT NULL CHECK (amount_msat > 0),
    -- By hop: the channel, the direction in it (0 from the node with the smaller key), and what it was to carry.
    channels     bigint[] NOT NULL,
    directions   smallint[] NOT NULL,
    amounts_msat bigint[] NOT NULL,
    -- Index of the hop that could not, NULL when all could.
    failed_hop   integer,
    -- The probability of the whole path before it was tried, if there was one.
    predicted    double precision CHECK (predicted > 0 AND predicted < 1),
    CHECK (cardinality(channels) BETWEEN 1 AND 27 AND cardinality(directions) = cardinality(channels)
        AND cardinality(amounts_msat) = cardinality(channels)),
    CHECK (failed_hop IS NULL OR failed_hop BETWEEN 0 AND cardinality(channels) - 1)
);
CREATE INDEX path_outcomes_time ON path_outcomes (observed_at);

-- What was published of a target and when, where it moved: for trends.
CREATE TABLE score_snapshots (
    computed_at bigint NOT NULL,
    kind        smallint NOT NULL,
    id          bytea NOT NULL,
    -- Our score, 0 to 100; NULL for what has none.
    score       double precision,
    p_success   double precision NOT NULL,
    n_obs       double precision NOT NULL
) PARTITION BY RANGE (computed_at);
CREATE INDEX score_snapshots_target ON score_snapshots (kind, id, computed_at DESC);

-- How predictions fared, once a week.
CREATE TABLE calibration_runs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    window_start bigint NOT NULL,
    window_end   bigint NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    n_outcomes   bigint NOT NULL,
    n_targets    bigint NOT NULL,
    -- SatRank's figures, for comparison; NULL without a group of five outcomes.
    delta_mean   double precision,
    delta_median double precision,
    delta_p95    double precision,
    report       jsonb NOT NULL
);
CREATE INDEX calibration_runs_window ON calibration_runs (window_end DESC);

-- Makes the parts of partitioned tables that do not exist yet. Two callers wait for each other.
CREATE FUNCTION assay_make_partitions(tables text[], names text[], lower_bounds text[], upper_bounds text[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
BEGIN
    FOR i IN 1 .. cardinality(names) LOOP
        CONTINUE WHEN to_regclass(quote_ident(names[i])) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(hashtextextended('assay partitions', 0));
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
            names[i], tables[i], lower_bounds[i], upper_bounds[i]);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Drops the parts of a table whose names sort before another's, and tells the rows that each held about.
CREATE FUNCTION assay_drop_partitions(parent text, oldest text)
RETURNS SETOF bigint LANGUAGE plpgsql AS $$
DECLARE
    part record;
BEGIN
    FOR part IN
        SELECT c.relname AS name, greatest(0, c.reltuples)::bigint AS rows
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(quote_ident(parent)) AND c.relname < oldest
    LOOP
        EXECUTE format('DROP TABLE %I', part.name);
        RETURN NEXT part.rows;
    END LOOP;
END
$$;
