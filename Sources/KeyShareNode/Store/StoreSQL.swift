// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The statements of calls; the functions stand in `migrations/keyshare`.
enum StoreSQL {
    static let appendAudit = Statement("keyshare.audit", "SELECT keyshare.append_audit($1, $2, $3)")

    /// What every call of a login begins with: session, call, signature, end, subject, limit, time, and the audit's lines.
    private static let login = "$1::text::uuid, $2::text, $3::bytea, $4, $5, $6, $7, $8, $9, $10"
    private static let found = """
        curve_type, public_key, share_id, wallet_id, enc_share, format, share_epoch, verifying_share, commitments
        """

    static let commitSession = Statement(
        "keyshare.commit",
        "SELECT keyshare.commit_session($1::text::uuid, $2, $3, $4, $5, $6, $7)::text"
    )
    static let countCall = Statement("keyshare.count", "SELECT keyshare.count_call($1, $2, $3, $4)::text")
    /// Hashes, the time, and before which time they were committed to.
    static let isTokenCommitted = Statement(
        "keyshare.token_committed",
        #"""
        SELECT EXISTS (SELECT FROM public."2_used_token_hashes" WHERE id_token_hash = ANY ($1) AND expires_at > $2
                AND expires_at < $3::timestamptz + interval '48 hours')
            OR EXISTS (SELECT FROM public."2_commit_reveal_sessions" WHERE id_token_hash = ANY ($1)
                AND created_at < $3)
        """#
    )
    static let session = Statement(
        "keyshare.session",
        #"""
        SELECT operation_type, client_ephemeral_pubkey, id_token_hash, state, protocol, created_at, expires_at,
            EXISTS (SELECT FROM public."2_commit_reveal_api_calls" c
                WHERE (c.session_id = s.session_id AND c.api_name = $2) OR c.signature = $3::bytea),
            (SELECT max(version) FROM public."2_server_keypairs")
        FROM public."2_commit_reveal_sessions" s WHERE session_id = $1::text::uuid
        """#
    )
    static let get = Statement(
        "keyshare.get",
        "SELECT \(found) FROM keyshare.get_shares(\(login), $11, $12, $13::text, $14, $15)"
    )
    static let read = Statement(
        "keyshare.read",
        "SELECT \(found) FROM keyshare.read_shares($1, $2, $3::text, $4, $5, $6)"
    )
    static let register = Statement(
        "keyshare.register",
        """
        SELECT keyshare.register_shares(\(login), $11, $12, $13::text, $14::bytea, $15, $16, $17, $18::uuid[],
            $19::uuid[], $20, $21, $22::integer, $23, $24)::text
        """
    )
    static let confirm = Statement(
        "keyshare.confirm",
        "SELECT keyshare.confirm_shares(\(login), $11::uuid[], $12)::text"
    )
    static let list = Statement(
        "keyshare.list",
        """
        SELECT curve_type, public_key, share_epoch, created_at, updated_at
        FROM keyshare.list_wallets(\(login), $11, $12, $13::text)
        """
    )
    static let check = Statement(
        "keyshare.check",
        """
        SELECT is_there FROM keyshare.check_shares($1::text::uuid, $2::text, $3::bytea, $4, $5, $6, $7, $8, $9, $10,
            $11::text, $12, $13)
        """
    )
    static let delete = Statement(
        "keyshare.delete",
        "SELECT keyshare.delete_shares(\(login), $11, $12, $13::text, $14, $15)::text"
    )
    static let prepareRefresh = Statement(
        "keyshare.refresh_prepare",
        """
        SELECT keyshare.prepare_refresh(\(login), $11::uuid, $12, $13::uuid[], $14, $15, $16, $17, $18::integer, $19,
            $20)::text
        """
    )
    static let commitRefresh = Statement(
        "keyshare.refresh_commit",
        "SELECT keyshare.commit_refresh(\(login), $11, $12, $13::text, $14::uuid, $15)::text"
    )
    static let abortRefresh = Statement(
        "keyshare.refresh_abort",
        "SELECT keyshare.abort_refresh(\(login), $11, $12, $13::text, $14::uuid, $15)::text"
    )
    static let reseal = Statement(
        "keyshare.reseal",
        "SELECT keyshare.reseal($1, $2::uuid[], $3, $4, $5, $6::integer, $7)"
    )

    // MARK: Keys

    static let root = Statement(
        "keyshare.root",
        #"SELECT source, check_value, threshold FROM public."2_root_secret""#
    )
    static let keepRoot = Statement(
        "keyshare.root_keep",
        #"""
        INSERT INTO public."2_root_secret" (source, check_value, threshold, pieces)
        VALUES ($1, $2, $3::integer, $4::integer) ON CONFLICT DO NOTHING
        """#
    )
    static let epochs = Statement(
        "keyshare.epochs",
        #"SELECT epoch, state FROM public."2_kek_epochs" WHERE state <> 'retired' ORDER BY epoch"#
    )
    static let firstEpoch = Statement(
        "keyshare.epoch_first",
        #"""
        INSERT INTO public."2_kek_epochs" (epoch, state)
        SELECT 1, 'active' WHERE NOT EXISTS (SELECT FROM public."2_kek_epochs") ON CONFLICT DO NOTHING
        """#
    )
    static let beginEpoch = Statement("keyshare.epoch_begin", "SELECT keyshare.begin_epoch()")
    static let retireEpochs = Statement("keyshare.epoch_retire", "SELECT keyshare.retire_epochs()")
    static let keypairs = Statement(
        "keyshare.keypairs",
        #"""
        SELECT keypair_id::text, version, public_key, enc_private_key, is_active, created_at, rotated_at, signature
        FROM public."2_server_keypairs" ORDER BY version DESC LIMIT $1
        """#
    )
    static let addKeypair = Statement(
        "keyshare.keypair_add",
        "SELECT keyshare.add_keypair($1::uuid, $2, $3, $4::bytea, $5::integer, $6)"
    )
    static let resealKeypair = Statement(
        "keyshare.keypair_reseal",
        #"""
        UPDATE public."2_server_keypairs" SET enc_private_key = $3, updated_at = now()
        WHERE keypair_id = $1::uuid AND enc_private_key = $2
        """#
    )
    static let someFormerShares = Statement(
        "keyshare.former_probe",
        #"SELECT enc_share FROM public."2_key_shares" WHERE format = 1 LIMIT 5"#
    )
}
