// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import KeyShares
import Postgres
import Testing

/// A database as an Oko node leaves it, with rows sealed by its own rules.
struct OkoDatabase {
    static let tables = #"""
        CREATE TABLE "2_users" (user_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), auth_type varchar(64) NOT NULL,
            user_auth_id varchar(255) NOT NULL, status varchar(16) NOT NULL DEFAULT 'active',
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb,
            CONSTRAINT oko_users_identity UNIQUE (auth_type, user_auth_id));
        CREATE TABLE "2_wallets" (wallet_id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id uuid NOT NULL,
            curve_type varchar(16) NOT NULL, public_key bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb,
            CONSTRAINT oko_wallets_public_key UNIQUE (public_key));
        CREATE TABLE "2_key_shares" (share_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            wallet_id uuid NOT NULL UNIQUE, enc_share bytea NOT NULL, status varchar(16) NOT NULL DEFAULT 'active',
            reshared_at timestamptz NOT NULL DEFAULT now(), created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(), aux jsonb);
        CREATE TABLE "2_server_keypairs" (keypair_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            version integer GENERATED ALWAYS AS IDENTITY UNIQUE, public_key bytea NOT NULL,
            enc_private_key text NOT NULL, is_active boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
            rotated_at timestamptz);
        """#

    /// Fills a database with the vectors' shares under one user each, and the vectors' keypair.
    static func fill(_ client: PostgresClient, wallets: [(TestWallet, text: String)]) async throws {
        let vectors = try Vectors.oko()
        try await client.withConnection { session in
            try await session.script(tables)
            let nodeKey = try #require(Hex.decode(vectors.server_keypair.public_key))
            try await session.execute(
                Statement("t", #"INSERT INTO "2_server_keypairs" (public_key, enc_private_key) VALUES ($1, $2)"#),
                [
                    .bytea(nodeKey),
                    .text(vectors.server_keypair.enc_private_key),
                ]
            )
            for (number, (wallet, text)) in wallets.enumerated() {
                try await session.execute(
                    Statement(
                        "t",
                        #"""
                        WITH u AS (INSERT INTO "2_users" (auth_type, user_auth_id) VALUES ('google', $1)
                            RETURNING user_id),
                        w AS (INSERT INTO "2_wallets" (user_id, curve_type, public_key) SELECT user_id, $2, $3 FROM u
                            RETURNING wallet_id)
                        INSERT INTO "2_key_shares" (wallet_id, enc_share) SELECT wallet_id, $4 FROM w
                        """#
                    ),
                    [
                        .text("test_user\(number)"), .text(wallet.curve.rawValue),
                        .bytea(try #require(Hex.decode(wallet.publicKey))), .bytea(Array(text.utf8)),
                    ]
                )
            }
        }
    }
}

/// What the vectors' files hold.
enum Vectors {
    struct Oko: Decodable {
        struct RoundTrip: Decodable {
            let password, plaintext, enc_share_text: String
        }
        struct Keypair: Decodable {
            let private_key_seed, public_key, enc_private_key: String
        }
        struct Negative: Decodable {
            let note, enc_share_text: String
        }
        let round_trip: [RoundTrip]
        let server_keypair: Keypair
        let negative: [Negative]
    }

    struct Envelopes: Decodable {
        struct Rewrapped: Decodable { let envelope: String }
        struct Vector: Decodable {
            let curve: ShareCurve
            let share_id, wallet_id, public_key, share, root_secret, envelope: String
            let rewrapped: Rewrapped
        }
        let vectors: [Vector]
    }

    struct Sessions: Decodable {
        struct Call: Decodable { let operation_type, api_name, cr_signature: String }
        let node_seed, node_signature, client_ephemeral_pubkey, id_token, id_token_hash, session_id: String
        let calls: [Call]
    }

    static func oko() throws -> Oko { try read("oko_v1_encryption") }
    static func envelopes() throws -> Envelopes { try read("envelope_v2") }
    static func sessions() throws -> Sessions { try read("oko_commit_reveal") }

    private static func read<Value: Decodable>(_ name: String) throws -> Value {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
        return try JSONDecoder().decode(Value.self, from: Data(contentsOf: url))
    }
}
