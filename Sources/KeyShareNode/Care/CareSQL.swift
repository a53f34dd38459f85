// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The statements of what runs in the background.
enum CareSQL {
    /// The names of a wallet's user, as ``ShareOwner`` has them.
    static let owners = #"""
        ARRAY(
            SELECT convert_to(u.auth_type || chr(10) || u.user_auth_id, 'UTF8') || coalesce('\x0a'::bytea || p.public_key, '')
            FROM public."2_users" u
            LEFT JOIN public."2_passkey_keys" p ON u.auth_type = 'webauthn' AND p.user_auth_id = u.user_auth_id
            WHERE u.user_id = w.user_id
            UNION ALL
            SELECT convert_to(auth_type || chr(10) || user_auth_id, 'UTF8') FROM public."2_identity_alias"
            WHERE user_id = w.user_id
        )
        """#
    private static let share = #"""
        SELECT w.curve_type, w.public_key, s.share_id::text, s.wallet_id::text, s.enc_share, s.format, s.share_epoch,
            s.verifying_share, s.commitments, \#(owners)
        FROM public."2_key_shares" s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
        """#
    static let former = Statement(
        "keyshare.former",
        "\(share) WHERE s.format = 1 AND s.share_id > $1::uuid ORDER BY s.share_id LIMIT $2"
    )
    static let scrubbed = Statement(
        "keyshare.scrub",
        #"""
        WITH due AS (
            UPDATE public."2_key_shares" SET scrubbed_at = now() WHERE share_id IN (
                SELECT share_id FROM public."2_key_shares" ORDER BY scrubbed_at NULLS FIRST LIMIT $1
                FOR UPDATE SKIP LOCKED
            ) RETURNING *
        )
        SELECT w.curve_type, w.public_key, s.share_id::text, s.wallet_id::text, s.enc_share, s.format, s.share_epoch,
            s.verifying_share, s.commitments, \#(owners)
        FROM due s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
        """#
    )
    static let total = Statement("keyshare.shares_total", #"SELECT count(*) FROM public."2_key_shares""#)
    static let shares = Statement(
        "keyshare.shares",
        #"""
        SELECT c.curve::text, f.format::smallint, (
            SELECT count(*) FROM public."2_key_shares" s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
            WHERE w.curve_type = c.curve AND s.format = f.format
        ) FROM (VALUES ('secp256k1'), ('ed25519')) AS c (curve), (VALUES (1), (2)) AS f (format)
        """#
    )
    static let sessions = Statement(
        "keyshare.sessions",
        #"""
        SELECT n.state::text, count(s.session_id)
        FROM (VALUES ('COMMITTED'), ('COMPLETED'), ('EXPIRED')) AS n (state)
            LEFT JOIN public."2_commit_reveal_sessions" s ON s.state = n.state GROUP BY n.state
        """#
    )
    static let entries = Statement(
        "keyshare.audit_count",
        #"SELECT coalesce(max(seq), 0) FROM public."2_audit""#
    )
    static let status = Statement(
        "keyshare.status",
        #"""
        SELECT (SELECT max(id) FROM keyshare.schema_migrations),
            (SELECT count(*) FROM public."2_key_shares" WHERE format = 1),
            (SELECT count(*) FROM public."2_key_shares"),
            (SELECT max(epoch) FROM public."2_kek_epochs" WHERE state = 'active'),
            (SELECT public_key FROM public."2_server_keypairs" WHERE is_active ORDER BY version DESC LIMIT 1)
        """#
    )

    /// In this order, so that no row points to one that has gone.
    static let purges: [Statement] = [
        purge(
            "sessions_expired",
            #"""
            UPDATE public."2_commit_reveal_sessions" SET state = 'EXPIRED'
            WHERE state = 'COMMITTED' AND expires_at <= $1
            """#
        ),
        // Tokens of sessions that an Oko node opened are kept from here on, too.
        purge(
            "token_hashes_kept",
            #"""
            INSERT INTO public."2_used_token_hashes" (id_token_hash, expires_at)
            SELECT id_token_hash, created_at + interval '48 hours' FROM public."2_commit_reveal_sessions"
            WHERE expires_at < $1 - interval '24 hours' AND created_at + interval '48 hours' > $1
            ON CONFLICT DO NOTHING
            """#
        ),
        purge(
            "calls",
            #"""
            DELETE FROM public."2_commit_reveal_api_calls" WHERE session_id IN (
                SELECT session_id FROM public."2_commit_reveal_sessions" WHERE expires_at < $1 - interval '24 hours'
            )
            """#
        ),
        purge(
            "sessions",
            #"""
            DELETE FROM public."2_commit_reveal_sessions" s WHERE expires_at < $1 - interval '24 hours'
                AND NOT EXISTS (SELECT FROM public."2_commit_reveal_api_calls" c WHERE c.session_id = s.session_id)
            """#
        ),
        purge("token_hashes", #"DELETE FROM public."2_used_token_hashes" WHERE expires_at < $1"#),
        purge("pending", #"DELETE FROM public."2_pending_refreshes" WHERE expires_at < $1"#),
        purge("history", #"DELETE FROM public."2_share_history" WHERE expires_at < $1"#),
    ]
    static let oldLimits = Statement(
        "keyshare.purge_limits",
        #"DELETE FROM public."2_identity_limits" WHERE window_start < $1"#
    )

    private static func purge(_ name: String, _ sql: String) -> Statement { Statement("keyshare.purge_\(name)", sql) }
}
