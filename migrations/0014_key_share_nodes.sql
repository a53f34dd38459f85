-- How key share nodes that are watched do.

-- What a node last reported, and when it last answered when it was asked.
CREATE TABLE key_share_nodes (
    name text PRIMARY KEY,
    -- As the node reported it, 32 bytes.
    public_key bytea CHECK (octet_length(public_key) = 32),
    share_count bigint,
    is_database_ok boolean,
    reported_at timestamptz,
    asked_at timestamptz,
    answered_at timestamptz,
    -- What it said its version is.
    version text
);

-- How often a node was asked in an hour, and how often it served.
CREATE TABLE key_share_node_hours (
    node text NOT NULL REFERENCES key_share_nodes (name) ON DELETE CASCADE,
    hour timestamptz NOT NULL,
    asked integer NOT NULL,
    served integer NOT NULL,
    PRIMARY KEY (node, hour)
);
