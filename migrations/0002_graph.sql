-- The public Lightning graph as last read, what changed in it, and the scores computed from it.
--
-- Gossip times are bigint Unix seconds, our own bookkeeping is timestamptz. Public keys are their 33 bytes; a node's
-- hash is the SHA-256 of the key's 66 lower-case hexadecimal digits, which the API uses as its name.

CREATE TABLE nodes (
    pubkey         bytea PRIMARY KEY CHECK (length(pubkey) = 33),
    hash           bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    alias          text NOT NULL,
    -- The earlier of our first sighting and the block time of the oldest channel ever seen.
    first_seen     bigint NOT NULL,
    -- Gossip time of the last node announcement, 0 for none.
    last_update    bigint NOT NULL,
    -- What the graph holds of the node now; all zero when it holds nothing any more.
    channels       integer NOT NULL,
    capacity_sats  bigint NOT NULL,
    peers          integer NOT NULL,
    disabled       integer NOT NULL,
    oldest_block   integer NOT NULL,
    stale          boolean NOT NULL DEFAULT false,
    -- Our own first sighting.
    first_observed timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE channels (
    scid          bigint PRIMARY KEY,
    node1         bytea NOT NULL,
    node2         bytea NOT NULL,
    capacity_sats bigint NOT NULL,
    first_observed timestamptz NOT NULL DEFAULT now()
);

-- One row per announced direction. NULL numbers are unknown: some sources drop them when a direction is disabled.
CREATE TABLE channel_policies (
    scid         bigint NOT NULL,
    dir          smallint NOT NULL CHECK (dir IN (0, 1)),
    base_msat    bigint,
    ppm          bigint,
    cltv         bigint,
    min_msat     bigint,
    max_msat     bigint,
    inbound_base bigint,
    inbound_ppm  bigint,
    disabled     boolean NOT NULL,
    last_update  bigint NOT NULL,
    PRIMARY KEY (scid, dir)
);

-- Append-only: one row each time a direction's base or proportional fee became another one.
CREATE TABLE fee_changes (
    changed_at timestamptz NOT NULL DEFAULT now(),
    scid       bigint NOT NULL,
    dir        smallint NOT NULL,
    base_msat  bigint NOT NULL,
    ppm        bigint NOT NULL
);
CREATE INDEX fee_changes_changed_at ON fee_changes (changed_at);

-- Every node's size once a day, for trends.
CREATE TABLE node_capacity (
    day           date NOT NULL,
    pubkey        bytea NOT NULL,
    capacity_sats bigint NOT NULL,
    channels      integer NOT NULL,
    PRIMARY KEY (day, pubkey)
);

-- One row per node of the last graph. Rewritten only where something differs, so computed_at is the last change.
CREATE TABLE node_scores (
    hash              bytea PRIMARY KEY CHECK (length(hash) = 32),
    -- Our score, 0 to 100, and each component with its value from 0 to 1.
    score             double precision NOT NULL,
    components        jsonb NOT NULL,
    -- Percentile of the seeded PageRank, 0 to 100.
    pr_percentile     double precision NOT NULL,
    -- By amount in sat: probability, hops and fee of the best path, or null where there is none.
    p_reach           jsonb NOT NULL,
    -- SatRank's score and components.
    compat_score      double precision NOT NULL,
    compat_components jsonb NOT NULL,
    computed_at       timestamptz NOT NULL DEFAULT now()
);

-- Every finished scoring pass.
CREATE TABLE graph_passes (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at     timestamptz NOT NULL,
    finished_at    timestamptz NOT NULL,
    -- The moment the graph speaks of.
    graph_clock    bigint NOT NULL,
    nodes          integer NOT NULL,
    channels       integer NOT NULL,
    -- Where the paths start, and whether that is our own node.
    source         bytea NOT NULL,
    source_is_own  boolean NOT NULL,
    report         jsonb NOT NULL
);

-- Beta beliefs with forgetting. kind: what is believed in (1 node, 2 endpoint, 3 operator); source: 1 probe, 2 report,
-- 3 paid; stage: 0 none, 1 to 5 the stages of an L402 call.
CREATE TABLE posteriors (
    kind    smallint NOT NULL,
    id      bytea NOT NULL,
    source  smallint NOT NULL,
    stage   smallint NOT NULL DEFAULT 0,
    alpha   double precision NOT NULL CHECK (alpha >= 1.5),
    beta    double precision NOT NULL CHECK (beta >= 1.5),
    last_ts bigint NOT NULL,
    n       bigint NOT NULL,
    PRIMARY KEY (kind, id, source, stage)
);
