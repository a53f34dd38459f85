-- How often our own path-finding and the Lightning node's agreed; answers from which nothing follows do not count.
CREATE TABLE route_crosschecks (
    checked_at   timestamptz PRIMARY KEY DEFAULT clock_timestamp(),
    asked        integer NOT NULL,
    determinate  integer NOT NULL CHECK (determinate <= asked),
    agreed       integer NOT NULL CHECK (agreed <= determinate),
    -- Where the paths start.
    source       bytea NOT NULL,
    -- Targets and amounts in sat on which the two differ, with both answers.
    differences  jsonb NOT NULL
);

-- Sentences of a node whose meaning was learnt from answers that could mean nothing else; a human should confirm them.
CREATE TABLE lnd_meanings (
    version    text NOT NULL,
    call       text NOT NULL,
    code       integer NOT NULL,
    message    text NOT NULL,
    meaning    text NOT NULL,
    learnt_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (version, call, code, message)
);
