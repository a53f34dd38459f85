-- What a FROST signer keeps. Everything stands in a schema of its own, so that a role can be given this and nothing else.
--
-- A row's name (id) is an HMAC over its table and what it is called outside: whoever reads the database finds no keys and
-- no addresses. What a row holds (sealed) is encrypted and bound to its table and name: rows cannot be exchanged. In clear
-- stand only times that deadlines are found by. All times are Unix seconds.

-- Every secret that rows were ever sealed with: each row holds its keys, sealed by a newer secret or by itself.
CREATE TABLE signer.keyring (
    key_id smallint PRIMARY KEY CHECK (key_id BETWEEN 0 AND 255),
    sealed bytea NOT NULL
);

-- One share of one group, however many sessions use it.
CREATE TABLE signer.shares (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    -- Counts changes; a copy in memory serves as long as this is the same.
    version bigint NOT NULL DEFAULT 1,
    -- The group.
    sealed bytea NOT NULL,
    -- The share itself, apart so that it can be read without becoming part of a text.
    sealed_secret bytea NOT NULL,
    -- The share that takes this one's place when its renewal is told, and its group.
    sealed_next bytea,
    sealed_next_secret bytea
);
CREATE INDEX ON signer.shares (key_id);

-- A client's key, and what it may do.
CREATE TABLE signer.sessions (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    share_id bytea NOT NULL REFERENCES signer.shares ON UPDATE CASCADE,
    -- Named by the user's key.
    user_id bytea NOT NULL CHECK (octet_length(user_id) = 32),
    has_recovery boolean NOT NULL,
    last_activity bigint NOT NULL,
    deactivated_at bigint,
    -- When the session's policy ends it.
    expires_at bigint,
    -- When the owner is warned next, or the session goes; the sweep looks at nothing else.
    due_at bigint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON signer.sessions (user_id);
CREATE INDEX ON signer.sessions (share_id);
CREATE INDEX ON signer.sessions (due_at);
CREATE INDEX ON signer.sessions (key_id);

-- Which sessions an address recovers: one row for each name that the signer goes by.
CREATE TABLE signer.emails (
    id bytea NOT NULL CHECK (octet_length(id) = 32),
    session_id bytea NOT NULL REFERENCES signer.sessions ON DELETE CASCADE ON UPDATE CASCADE,
    PRIMARY KEY (id, session_id)
);
CREATE INDEX ON signer.emails (session_id);

-- Logins and recoveries between their two steps, named by the client's key.
CREATE TABLE signer.pending (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    expires_at bigint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON signer.pending (expires_at);

-- Codes that were mailed, named by the address's hash.
CREATE TABLE signer.challenges (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    expires_at bigint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON signer.challenges (expires_at);

-- Recoveries that wait for a veto, named by the share and the address's hash.
CREATE TABLE signer.recovery_requests (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    share_id bytea NOT NULL REFERENCES signer.shares ON DELETE CASCADE ON UPDATE CASCADE,
    -- Named by the token of the link in the notice.
    cancel_id bytea NOT NULL CHECK (octet_length(cancel_id) = 32),
    expires_at bigint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON signer.recovery_requests (share_id);
CREATE INDEX ON signer.recovery_requests (cancel_id);
CREATE INDEX ON signer.recovery_requests (expires_at);

-- Links that confirm an address, named by their token.
CREATE TABLE signer.confirmations (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    session_id bytea NOT NULL REFERENCES signer.sessions ON DELETE CASCADE ON UPDATE CASCADE,
    expires_at bigint NOT NULL
);
CREATE INDEX ON signer.confirmations (session_id);
CREATE INDEX ON signer.confirmations (expires_at);

-- Signatures of a day, for sessions whose policy counts them.
CREATE TABLE signer.daily_counts (
    session_id bytea NOT NULL REFERENCES signer.sessions ON DELETE CASCADE ON UPDATE CASCADE,
    -- Days since 1970-01-01 UTC.
    day integer NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (session_id, day)
);
CREATE INDEX ON signer.daily_counts (day);

-- What was done, one chain of hashes for each user's key. Chains have random names.
CREATE TABLE signer.audit (
    chain bytea NOT NULL CHECK (octet_length(chain) = 16),
    seq bigint NOT NULL CHECK (seq > 0),
    sealed bytea NOT NULL,
    PRIMARY KEY (chain, seq)
);

-- Where each chain ends, named by the user's key.
CREATE TABLE signer.audit_heads (
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    key_id smallint NOT NULL,
    sealed bytea NOT NULL
);
CREATE INDEX ON signer.audit_heads (key_id);

CREATE FUNCTION signer.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is only added to' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON signer.audit
    FOR EACH STATEMENT EXECUTE FUNCTION signer.refuse_change();
