// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The statements between this node's tables and those of an Oko node.
enum TransferSQL {
    // MARK: Import

    static let formerProbe = Statement(
        "keyshare.import_probe",
        #"SELECT enc_share FROM public."2_key_shares" ORDER BY share_id LIMIT 1"#
    )
    static let formerRows = Statement(
        "keyshare.import_read",
        #"""
        SELECT s.share_id::text, w.wallet_id::text, u.user_id::text, u.auth_type, u.user_auth_id, u.status, w.curve_type,
            w.public_key, s.status, s.reshared_at, s.enc_share, s.created_at, s.updated_at, w.created_at, u.created_at,
            s.aux::text, w.aux::text, u.aux::text
        FROM public."2_key_shares" s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
            JOIN public."2_users" u ON u.user_id = w.user_id
        WHERE s.share_id > $1::uuid ORDER BY s.share_id LIMIT $2
        """#
    )
    static let formerKeypairs = Statement(
        "keyshare.import_keypairs",
        #"""
        SELECT keypair_id::text, version, public_key, enc_private_key, is_active, created_at, rotated_at
        FROM public."2_server_keypairs" ORDER BY version
        """#
    )
    static let formerTokens = Statement(
        "keyshare.import_tokens",
        #"""
        SELECT id_token_hash, created_at FROM public."2_commit_reveal_sessions"
        WHERE created_at > now() - interval '48 hours'
        """#
    )
    static let countKeypairs = Statement(
        "keyshare.keypairs_count",
        #"SELECT count(*) FROM public."2_server_keypairs""#
    )
    static let insertKeypair = Statement(
        "keyshare.import_keypair",
        #"""
        INSERT INTO public."2_server_keypairs" (
            keypair_id, version, public_key, enc_private_key, is_active, created_at, rotated_at
        ) OVERRIDING SYSTEM VALUE VALUES ($1::uuid, $2, $3, $4, $5, $6, $7::timestamptz)
        """#
    )
    static let insertUsers = Statement(
        "keyshare.import_users",
        #"""
        INSERT INTO public."2_users" (user_id, auth_type, user_auth_id, status, created_at, aux)
        SELECT DISTINCT ON (auth_type, user_auth_id) id::uuid, auth_type, user_auth_id, status, created_at, aux::jsonb
        FROM unnest($1, $2, $3, $4, $5, $6) AS n (id, auth_type, user_auth_id, status, created_at, aux)
        ON CONFLICT DO NOTHING
        """#
    )
    static let insertWallets = Statement(
        "keyshare.import_wallets",
        #"""
        INSERT INTO public."2_wallets" (wallet_id, user_id, curve_type, public_key, created_at, aux)
        SELECT n.id::uuid, u.user_id, n.curve_type, n.public_key, n.created_at, n.aux::jsonb
        FROM unnest($1, $2, $3, $4, $5, $6, $7)
                AS n (id, auth_type, user_auth_id, curve_type, public_key, created_at, aux)
            JOIN public."2_users" u ON u.auth_type = n.auth_type AND u.user_auth_id = n.user_auth_id
        ON CONFLICT DO NOTHING
        """#
    )
    static let insertShares = Statement(
        "keyshare.import_shares",
        #"""
        INSERT INTO public."2_key_shares" (
            share_id, wallet_id, enc_share, status, reshared_at, created_at, updated_at, aux, format
        )
        SELECT n.id::uuid, n.wallet::uuid, n.enc_share, n.status, n.reshared_at, n.created_at, n.updated_at,
            n.aux::jsonb, 1
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                AS n (id, wallet, enc_share, status, reshared_at, created_at, updated_at, aux)
            JOIN public."2_wallets" w ON w.wallet_id = n.wallet::uuid
        ON CONFLICT DO NOTHING
        """#
    )
    static let insertTokens = Statement(
        "keyshare.import_token_hashes",
        #"""
        INSERT INTO public."2_used_token_hashes" (id_token_hash, expires_at) SELECT * FROM unnest($1, $2)
        ON CONFLICT DO NOTHING
        """#
    )

    // MARK: Export

    /// An Oko node's own tables, for an empty database.
    static let formerTables = #"""
        CREATE TABLE IF NOT EXISTS public."2_users" (
            user_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), auth_type varchar(64) NOT NULL,
            user_auth_id varchar(255) NOT NULL, status varchar(16) NOT NULL DEFAULT 'active',
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb,
            UNIQUE (auth_type, user_auth_id)
        );
        CREATE TABLE IF NOT EXISTS public."2_wallets" (
            wallet_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL,
            curve_type varchar(16) NOT NULL, public_key bytea NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb
        );
        CREATE TABLE IF NOT EXISTS public."2_key_shares" (
            share_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), wallet_id uuid NOT NULL UNIQUE,
            enc_share bytea NOT NULL, status varchar(16) NOT NULL DEFAULT 'active',
            reshared_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb
        );
        CREATE TABLE IF NOT EXISTS public."2_server_keypairs" (
            keypair_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            version integer NOT NULL UNIQUE GENERATED BY DEFAULT AS IDENTITY, public_key bytea NOT NULL,
            enc_private_key text NOT NULL, is_active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
            rotated_at timestamptz
        );
        CREATE TABLE IF NOT EXISTS public."2_pg_dumps" (
            dump_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), status varchar(16) NOT NULL, dump_path varchar(255),
            meta jsonb, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE IF NOT EXISTS public."2_commit_reveal_sessions" (
            session_id uuid PRIMARY KEY, operation_type varchar(32) NOT NULL,
            client_ephemeral_pubkey bytea NOT NULL UNIQUE, id_token_hash varchar(64) NOT NULL UNIQUE,
            state varchar(16) NOT NULL DEFAULT 'COMMITTED', created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL
        );
        CREATE TABLE IF NOT EXISTS public."2_commit_reveal_api_calls" (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(), session_id uuid NOT NULL, api_name varchar(64) NOT NULL,
            signature bytea NOT NULL UNIQUE, called_at timestamptz NOT NULL DEFAULT now(),
            UNIQUE (session_id, api_name)
        );
        """#
    static let ownRows = Statement(
        "keyshare.export_read",
        #"""
        SELECT w.curve_type, w.public_key, s.share_id::text, s.wallet_id::text, s.enc_share, s.format, s.share_epoch,
            s.verifying_share, s.commitments, s.status, s.reshared_at, u.user_id::text, u.auth_type, u.user_auth_id,
            u.status, s.created_at, s.updated_at, \#(CareSQL.owners)
        FROM public."2_key_shares" s JOIN public."2_wallets" w ON w.wallet_id = s.wallet_id
            JOIN public."2_users" u ON u.user_id = w.user_id
        WHERE s.share_id > $1::uuid ORDER BY s.share_id LIMIT $2
        """#
    )
    static let isExported = Statement(
        "keyshare.export_present",
        #"""
        SELECT EXISTS (SELECT FROM public."2_key_shares" WHERE share_id = $1::uuid AND updated_at >= $2)
        """#
    )
    /// Oko's public keys are unique for everybody: a wallet whose key another user has is left out.
    static let exportShare = Statement(
        "keyshare.export_share",
        #"""
        WITH new_user AS (
            INSERT INTO public."2_users" (user_id, auth_type, user_auth_id, status)
            VALUES ($8::uuid, $9, $10, $11) ON CONFLICT DO NOTHING
        ), new_wallet AS (
            INSERT INTO public."2_wallets" (wallet_id, user_id, curve_type, public_key)
            VALUES ($2::uuid, $8::uuid, $12, $13) ON CONFLICT DO NOTHING RETURNING wallet_id
        )
        INSERT INTO public."2_key_shares" (share_id, wallet_id, enc_share, status, reshared_at, created_at, updated_at)
        SELECT $1::uuid, $2::uuid, $3, $4, $5, $6, $7
        WHERE EXISTS (SELECT FROM new_wallet)
            OR EXISTS (SELECT FROM public."2_wallets" WHERE wallet_id = $2::uuid)
        ON CONFLICT (share_id) DO UPDATE SET enc_share = EXCLUDED.enc_share, updated_at = EXCLUDED.updated_at
        """#
    )
    static let exportKeypair = Statement(
        "keyshare.export_keypair",
        #"""
        INSERT INTO public."2_server_keypairs" (
            keypair_id, version, public_key, enc_private_key, is_active, created_at, rotated_at
        ) OVERRIDING SYSTEM VALUE VALUES ($1::uuid, $2, $3, $4, $5, $6, $7::timestamptz) ON CONFLICT DO NOTHING
        """#
    )
}
