-- Who vouches for the stamped scores.

-- The root that went into the stamp's nonce (32 bytes), and a Nostr event (NIP-01) about it, signed with the oracle's key,
-- as JSON. NULL for stamps that are older than these columns, or that nobody has signed yet.
ALTER TABLE score_stamps
    ADD COLUMN root bytea CHECK (octet_length(root) = 32),
    ADD COLUMN attestation bytea;
