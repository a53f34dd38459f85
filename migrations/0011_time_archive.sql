-- What the Roughtime module keeps.

-- Reports of malfeasance: chains of signed answers that contradict each other. Every one was verified before it was kept.
CREATE TABLE malfeasance_reports (
    -- SHA-256 of the document, so that the same report has one row.
    id bytea PRIMARY KEY CHECK (octet_length(id) = 32),
    -- The report as JSON with its members in a fixed order (RFC 10049, section 8.4.1).
    document bytea NOT NULL,
    links integer NOT NULL CHECK (links > 0),
    -- The long-term key whose absence would make the rest consistent; NULL when that is no single one.
    suspect bytea CHECK (octet_length(suspect) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ON malfeasance_reports (created_at);
