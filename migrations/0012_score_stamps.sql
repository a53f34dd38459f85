-- Proofs of when the scores were published.

-- One exchange with the time server for the scores that had changed: the root of a tree over their documents went into the
-- nonce. A stamp is kept while a score needs it.
CREATE TABLE score_stamps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- What made the nonce, with the root.
    salt bytea NOT NULL CHECK (octet_length(salt) = 32),
    -- The chain of answers as JSON (RFC 10049, section 8.4.1).
    chain bytea NOT NULL,
    -- Our time server's answer in the chain, a whole packet; the documents of the next stamp name its SHA-256.
    response bytea NOT NULL,
    -- The answer whose SHA-256 the documents of this stamp name, so that they cannot be older than it.
    after bytea NOT NULL,
    scores integer NOT NULL CHECK (scores > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The latest stamped document of every node.
CREATE TABLE stamped_scores (
    -- The node's name in the API: SHA-256 of its key's hexadecimal digits.
    node bytea PRIMARY KEY CHECK (octet_length(node) = 32),
    stamp bigint NOT NULL REFERENCES score_stamps (id),
    -- Number of the document's leaf, and the siblings from it to the root, one after the other.
    leaf integer NOT NULL CHECK (leaf >= 0),
    path bytea NOT NULL CHECK (octet_length(path) % 32 = 0),
    -- SHA-256 of what the document says, without what changes each time; tells whether there is anything new.
    content bytea NOT NULL CHECK (octet_length(content) = 32),
    -- Exactly the bytes whose SHA-256 is the leaf's data.
    document bytea NOT NULL
);
CREATE INDEX ON stamped_scores (stamp);
