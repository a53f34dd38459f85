-- Recurring work. A row keeps its due time over restarts; the advisory lock of the same name keeps a job from
-- overlapping itself, in whatever process.

CREATE TABLE jobs (
    name          text PRIMARY KEY,
    interval_s    integer NOT NULL CHECK (interval_s > 0),
    timeout_s     integer NOT NULL CHECK (timeout_s > 0),
    next_run_at   timestamptz NOT NULL,
    running_since timestamptz,
    owner         text,
    last_ok_at    timestamptz,
    last_error    text,
    -- Failures in a row.
    failures      integer NOT NULL DEFAULT 0
);
