// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import KeyShareProtocol
import KeyShares
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Testing

@testable import KeyShareNode

/// How shares lie in the database.
@Suite struct AtRestTests {
    /// The vectors' shares of one secret, as wallets of secp256k1.
    private func okoWallets() throws -> (secret: String, wallets: [(TestWallet, text: String)], shares: [String]) {
        let vectors = try Vectors.oko()
        let first = vectors.round_trip[0]
        return (first.password, [(try TestWallet(.secp256k1), first.enc_share_text)], [first.plaintext])
    }

    private func withOko(
        secret: String? = nil,
        root: RootSecret? = nil,
        _ change: @Sendable (inout KeyShareConfiguration) -> Void = { _ in },
        _ body: @Sendable (Stage, [(TestWallet, text: String)], [String]) async throws -> Void
    ) async throws {
        let (own, wallets, shares) = try okoWallets()
        let root = try root ?? Stage.root
        try await TestDatabase.withEmpty(connections: 4) { client in
            try await OkoDatabase.fill(client, wallets: wallets)
            let secrets = try ShareSecrets(root: root, encryptionSecret: Array((secret ?? own).utf8))
            let stage = try Stage(client, secrets: secrets, change)
            try await stage.service.prepare()
            try await body(stage, wallets, shares)
        }
    }

    @Test func `an Oko database opens as it is, and a share is sealed anew when it is first read`() async throws {
        try await withOko { stage, wallets, shares in
            let formats = #"SELECT count(*) FROM "2_key_shares" WHERE format = 1"#
            #expect(try await stage.number(formats) == 1)
            #expect(await stage.service.status().formerRows == 1)
            #expect(try await stage.get(wallets[0].0, as: "user0") == shares[0])
            #expect(try await stage.number(formats) == 0)
            #expect(try await stage.number(#"SELECT octet_length(enc_share) FROM "2_key_shares""#) == 162)
            #expect(try await stage.get(wallets[0].0, as: "user0") == shares[0])
            // The node is still known by its key, which is sealed anew, too.
            let vectors = try Vectors.oko()
            #expect(await stage.service.status().publicKey == vectors.server_keypair.public_key)
            try await stage.service.resealKeypairs()
            let again = try Stage(stage.client, secrets: try Stage.secrets())
            try await again.service.prepare()
            #expect(try await again.get(wallets[0].0, as: "user0") == shares[0])
            #expect(await again.service.status().publicKey == vectors.server_keypair.public_key)
        }
    }

    @Test func `the background seals what nobody reads, and tells of what it cannot open`() async throws {
        try await withOko { stage, wallets, shares in
            let broken = try Vectors.oko().negative[3].enc_share_text
            let other = try TestWallet(.ed25519)
            try await stage.register(other, as: "other")
            try await stage.run(
                """
                UPDATE "2_key_shares" s SET enc_share = '\(broken)', format = 1, kek_epoch = NULL FROM "2_wallets" w
                WHERE w.wallet_id = s.wallet_id AND w.curve_type = 'ed25519'
                """
            )
            #expect(try await stage.service.migrate(limit: 100) == 2)
            #expect(try await stage.service.migrate(limit: 100) == 0)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE format = 1"#) == 1)
            #expect(try await stage.audit(.shareDamaged).count == 1)
            // Not each second.
            #expect(try await stage.service.migrate(limit: 100) == 0)
            #expect(try await stage.audit(.shareDamaged).count == 1)
            #expect(try await stage.get(wallets[0].0, as: "user0") == shares[0])
        }
    }

    @Test func `with KS_WRITE_FORMAT=v1 everything stays as an Oko node reads it`() async throws {
        try await withOko({ $0.writeFormat = .v1 }) { stage, wallets, shares in
            #expect(try await stage.get(wallets[0].0, as: "user0") == shares[0])
            let wallet = try TestWallet(.ed25519)
            try await stage.register(wallet)
            #expect(try await stage.get(wallet) == wallet.shareHex)
            #expect(try await stage.service.migrate(limit: 100) == 0)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE format = 1"#) == 2)
            let text = try await stage.client.query(
                Statement(
                    "t.text",
                    #"SELECT convert_from(enc_share, 'UTF8') FROM "2_key_shares" ORDER BY created_at DESC"#
                )
            )[0].text(0)
            let former = try OkoSecret(file: Array(try Vectors.oko().round_trip[0].password.utf8))
            #expect(try OkoEnvelope(text).openHexadecimal(with: former) == wallet.share.bytes)
        }
    }

    @Test func `KS_WRITE_FORMAT=v1 without its secret is known at start`() async throws {
        await #expect {
            try await Stage.with(change: { $0.writeFormat = .v1 }) { _ in }
        } throws: { error in
            (error as? KeyShareNodeError)?.code == .secret
        }
    }

    @Test func `a wrong secret of format 1 is known at start`() async throws {
        await #expect {
            try await withOko(secret: try okoWallets().secret + "\n") { _, _, _ in }
        } throws: { error in
            (error as? KeyShareNodeError)?.code == .secret
        }
    }

    @Test func `a wrong root secret is known at start, and before anything is written with it`() async throws {
        try await Stage.with { stage in
            try await stage.register(try TestWallet(.secp256k1))
            let other = try Stage(stage.client, secrets: try ShareSecrets(root: .random()))
            await #expect {
                try await other.service.prepare()
            } throws: { error in
                (error as? KeyShareNodeError)?.code == .secret
            }
            let none = try Stage(stage.client, secrets: try ShareSecrets(root: nil))
            await #expect(throws: KeyShareNodeError.self) { try await none.service.prepare() }
        }
    }

    @Test func `an Oko node's secret alone is enough to start with`() async throws {
        let (secret, wallets, shares) = try okoWallets()
        try await TestDatabase.withEmpty(connections: 4) { client in
            try await OkoDatabase.fill(client, wallets: wallets)
            let secrets = try ShareSecrets(root: nil, encryptionSecret: Array(secret.utf8))
            for _ in 0..<2 {
                let stage = try Stage(client, secrets: secrets)
                try await stage.service.prepare()
                #expect(try await stage.get(wallets[0].0, as: "user0") == shares[0])
            }
            #expect(try await client.query(Statement("t.f", #"SELECT format FROM "2_key_shares""#))[0].int2(0) == 2)
        }
    }

    @Test func `an Oko database with rows that point nowhere is migrated, too, and twice`() async throws {
        let (secret, wallets, _) = try okoWallets()
        try await TestDatabase.withEmpty(connections: 4) { client in
            try await OkoDatabase.fill(client, wallets: wallets)
            try await client.withConnection {
                try await $0.script(
                    """
                    INSERT INTO "2_wallets" (user_id, curve_type, public_key)
                    VALUES (gen_random_uuid(), 'secp256k1', '\\x02');
                    INSERT INTO "2_key_shares" (wallet_id, enc_share)
                    SELECT wallet_id, 'damaged' FROM "2_wallets" WHERE public_key = '\\x02'
                    """
                )
            }
            let secrets = try ShareSecrets(root: try Stage.root, encryptionSecret: Array(secret.utf8))
            for _ in 0..<2 { try await Stage(client, secrets: secrets).service.prepare() }
            let stage = try Stage(client, secrets: secrets)
            try await stage.service.prepare()
            // What an Oko node made unique for everybody is unique for a user now.
            let wallet = wallets[0].0
            try await stage.register(TestWallet(publicKey: wallet.publicKey, shareOf: try TestWallet(.secp256k1)))
            // New rows have to point somewhere.
            await #expect(throws: PostgresError.self) {
                try await stage.run(
                    #"INSERT INTO "2_key_shares" (wallet_id, enc_share) VALUES (gen_random_uuid(), '')"#
                )
            }
        }
    }

    @Test func `a database of a newer program is left alone`() async throws {
        try await Stage.with { stage in
            try await stage.run(
                "INSERT INTO keyshare.schema_migrations (id, name, sha256, duration_ms) VALUES (99, 'later', 'x', 1)"
            )
            await #expect {
                try await stage.service.prepare()
            } throws: { error in
                (error as? KeyShareNodeError)?.code == .schema
            }
        }
    }

    @Test func `the vectors' envelopes open from the database, and a rotation leaves all but their wrapped key`()
        async throws
    {
        let vectors = try Vectors.envelopes().vectors
        let root = try RootSecret(file: Array(vectors[0].root_secret.utf8))
        try await Stage.with(secrets: try ShareSecrets(root: root)) { stage in
            for vector in vectors {
                try await stage.run(
                    """
                    INSERT INTO "2_users" (auth_type, user_auth_id) VALUES ('google', 'test_alice') ON CONFLICT DO NOTHING;
                    INSERT INTO "2_wallets" (wallet_id, user_id, curve_type, public_key)
                        SELECT '\(vector.wallet_id)', user_id, '\(vector.curve.rawValue)', '\\x\(vector.public_key)'
                        FROM "2_users";
                    INSERT INTO "2_key_shares" (share_id, wallet_id, enc_share, format, kek_epoch)
                        VALUES ('\(vector.share_id)', '\(vector.wallet_id)', '\\x\(vector.envelope)', 2, 1)
                    """
                )
            }
            // The vectors' keys and shares are random bytes, so that no call can ask for them.
            func check() async throws {
                let ring = try #require(stage.service.holder.keys?.ring)
                for vector in vectors {
                    let ids = [UUID(uuidString: vector.share_id), UUID(uuidString: vector.wallet_id)].compactMap { $0 }
                    let row = EnvelopeRow(
                        shareID: ids[0],
                        walletID: ids[1],
                        curve: vector.curve,
                        publicKey: Hex.decode(vector.public_key) ?? []
                    )
                    let stored = try await stage.client.query(
                        Statement("t.env", #"SELECT enc_share FROM "2_key_shares" WHERE share_id = $1::uuid"#),
                        [.text(vector.share_id)]
                    )[0].bytea(0)
                    let share = try ShareEnvelope(stored).withOpened(for: row, with: ring) { Array($0) }
                    #expect(Hex.encode(share) == vector.share)
                }
            }
            try await check()
            _ = try await stage.service.rotateKeyEncryptionKey()
            try await check()
            for vector in vectors {
                let tail = #"SELECT substring(enc_share FROM 71) FROM "2_key_shares" WHERE share_id = $1::uuid"#
                let row = try await stage.client.query(Statement("t.tail", tail), [.text(vector.share_id)])[0]
                #expect(Hex.encode(try row.bytea(0)) == vector.rewrapped.envelope.dropFirst(140))
            }
        }
    }

    @Test func `two rows whose contents were exchanged are both refused, and the audit tells`() async throws {
        try await Stage.with { stage in
            let wallets = [try TestWallet(.secp256k1), try TestWallet(.secp256k1)]
            for (wallet, name) in zip(wallets, ["alice", "bob"]) { try await stage.register(wallet, as: name) }
            try await stage.run(
                """
                UPDATE "2_key_shares" a SET enc_share = b.enc_share FROM "2_key_shares" b
                WHERE a.share_id <> b.share_id
                """
            )
            for (wallet, name) in zip(wallets, ["alice", "bob"]) {
                let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
                #expect(try await stage.code(.getV1, as: name, body) == .unknownError)
            }
            #expect(try await stage.audit(.shareDamaged).count == 2)
        }
    }

    @Test func `a wallet that was given to another user in the database opens for nobody but its owner`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet, as: "alice")
            try await stage.register(try TestWallet(.ed25519), as: "thief")
            let owner = #"(SELECT user_id FROM "2_users" WHERE user_auth_id = 'test_alice')"#
            let thief = #"(SELECT user_id FROM "2_users" WHERE user_auth_id = 'test_thief')"#
            let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            let attempts = [
                (#"UPDATE "2_wallets" SET user_id = \#(thief) WHERE curve_type = 'secp256k1'"#, "thief"),
                (#"UPDATE "2_wallets" SET user_id = \#(owner) WHERE curve_type = 'secp256k1'"#, nil),
                (#"UPDATE "2_users" SET user_auth_id = 'test_mallory' WHERE user_auth_id = 'test_alice'"#, "mallory"),
                (#"UPDATE "2_users" SET user_auth_id = 'test_alice' WHERE user_auth_id = 'test_mallory'"#, nil),
                (
                    #"""
                    INSERT INTO "2_identity_alias" (auth_type, user_auth_id, user_id)
                    VALUES ('google', 'test_eve', \#(owner))
                    """#, "eve"
                ),
            ]
            for (sql, name) in attempts {
                try await stage.run(sql)
                guard let name else { continue }
                #expect(try await stage.code(.getV1, as: name, body) == .unknownError, "\(name)")
                let share = #"{"curve_type":"secp256k1",\#(wallet.members)}"#
                #expect(try await stage.code(.reshareV1, as: name, share) == .unknownError, "\(name)")
            }
            #expect(try await stage.audit(.shareDamaged).count == 6)
            #expect(try await stage.get(wallet, as: "alice") == wallet.shareHex)
            #expect(try await stage.service.scrub(count: 10) == 2)
            _ = try await stage.service.rotateKeyEncryptionKey()
            #expect(try await stage.get(wallet, as: "alice") == wallet.shareHex)
            #expect(try await stage.audit(.shareDamaged).count == 6)
        }
    }

    @Test func `a passkey that took another's place in the database opens nothing`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            let members = #""auth_type":"webauthn","curve_type":"secp256k1""#
            let body = #"{\#(members),"public_key":"\#(wallet.publicKey)"}"#
            try await stage.call(.registerV1, as: "p#aabb", #"{\#(members),\#(wallet.members)}"#)
            let attempts = [
                #"UPDATE "2_passkey_keys" SET public_key = '\xccdd'"#, #"DELETE FROM "2_passkey_keys""#,
                #"INSERT INTO "2_passkey_keys" (user_auth_id, public_key) VALUES ('test_p', '\xccdd')"#,
            ]
            for sql in attempts {
                try await stage.run(sql)
                #expect(try await stage.code(.getV1, as: "p#ccdd", body) == .unknownError, "\(sql)")
            }
            #expect(try await stage.audit(.shareDamaged).count == attempts.count)
            try await stage.run(#"UPDATE "2_passkey_keys" SET public_key = '\xaabb'"#)
            #expect(try await stage.code(.getV1, as: "p#aabb", body) == nil)
            #expect(try await stage.service.scrub(count: 10) == 1)
            _ = try await stage.service.rotateKeyEncryptionKey()
            #expect(try await stage.code(.getV1, as: "p#aabb", body) == nil)
            #expect(try await stage.audit(.shareDamaged).count == attempts.count)
        }
    }

    @Test func `a share that a refresh replaced does not open in the place of the new one`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            try await stage.run(#"UPDATE "2_key_shares" SET share_epoch = 2"#)
            let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            #expect(try await stage.code(.getV1, body) == .unknownError)
            try await stage.run(#"UPDATE "2_key_shares" SET share_epoch = 1"#)
            #expect(try await stage.get(wallet) == wallet.shareHex)
        }
    }

    @Test func `an envelope from before there were owners still opens`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let ids = try await stage.client.query(
                Statement("t.ids", #"SELECT share_id::text, wallet_id::text FROM "2_key_shares""#)
            )[0]
            let row = EnvelopeRow(
                shareID: try #require(UUID(uuidString: ids.text(0))),
                walletID: try #require(UUID(uuidString: ids.text(1))),
                curve: .secp256k1,
                publicKey: Hex.decode(wallet.publicKey) ?? []
            )
            let ring = try #require(stage.service.holder.keys?.ring)
            let bytes = wallet.share.bytes
            let envelope = try bytes.withUnsafeBytes { try ShareEnvelope(sealing: $0, for: row, with: ring) }
            try await stage.run(#"UPDATE "2_key_shares" SET enc_share = '\x\#(Hex.encode(envelope.bytes))'"#)
            #expect(try await stage.get(wallet) == wallet.shareHex)
            #expect(try await stage.service.scrub(count: 10) == 1)
            #expect(try await stage.audit(.shareDamaged).isEmpty)
        }
    }

    @Test func `the scrub finds a flipped byte and an exchanged proof before their owner does`() async throws {
        try await Stage.with { stage in
            for curve in [ShareCurve.secp256k1, .ed25519, .secp256k1] {
                try await stage.register(try TestWallet(curve), as: "user\(UUID())")
            }
            #expect(try await stage.service.scrub(count: 10) == 3)
            #expect(try await stage.audit(.shareDamaged).isEmpty)
            try await stage.run(
                """
                UPDATE "2_key_shares" SET enc_share = set_byte(enc_share, 100, get_byte(enc_share, 100) # 1)
                WHERE share_id = (SELECT min(share_id::text)::uuid FROM "2_key_shares");
                UPDATE "2_key_shares" SET verifying_share = '\\x02'
                WHERE share_id = (SELECT max(share_id::text)::uuid FROM "2_key_shares")
                """
            )
            #expect(try await stage.service.scrub(count: 10) == 3)
            #expect(try await stage.audit(.shareDamaged).count == 2)
            #expect(stage.logs.all.contains { $0.contains("damaged") })
        }
    }

    @Test func `the scrub looks at one row in a hundred each day, the longest unseen first`() async throws {
        try await Stage.with { stage in
            for _ in 0..<4 { try await stage.register(try TestWallet(.ed25519), as: "user\(UUID())") }
            var seen = 0
            // A hundred days of a node with four shares.
            for _ in 0..<100 { seen += try await stage.service.scrub(seconds: 86_400) }
            #expect((3...4).contains(seen))
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE scrubbed_at IS NOT NULL"#) >= 3)
        }
    }

    // MARK: To and from Oko

    @Test func `an Oko database is taken over, and written back in its form`() async throws {
        let (secret, wallets, shares) = try okoWallets()
        try await TestDatabase.withEmpty(connections: 2) { source in
            try await OkoDatabase.fill(source, wallets: wallets)
            try await TestDatabase.withEmpty(connections: 4) { client in
                let secrets = try ShareSecrets(root: try Stage.root, encryptionSecret: Array(secret.utf8))
                let stage = try Stage(client, secrets: secrets)
                let report = try await stage.service.importFormer(from: source)
                #expect(report == TransferReport(written: 1, keypairs: 1))
                #expect(try await stage.service.importFormer(from: source) == TransferReport(present: 1))
                #expect(try await stage.get(wallets[0].0, as: "user0") == shares[0])
                #expect(await stage.service.status().publicKey == (try Vectors.oko().server_keypair.public_key))
                let wallet = try TestWallet(.ed25519)
                try await stage.register(wallet, as: "new")
                try await TestDatabase.withEmpty(connections: 2) { target in
                    #expect(try await stage.service.exportFormer(to: target) == TransferReport(written: 2, keypairs: 1))
                    #expect(try await stage.service.exportFormer(to: target) == TransferReport(present: 2))
                    let former = try OkoSecret(file: Array(secret.utf8))
                    let rows = try await target.query(
                        Statement(
                            "t.exported",
                            #"""
                            SELECT convert_from(s.enc_share, 'UTF8'), u.user_auth_id FROM "2_key_shares" s
                            JOIN "2_wallets" w USING (wallet_id) JOIN "2_users" u USING (user_id)
                            """#
                        )
                    )
                    let opened = try rows.map { try OkoEnvelope($0.text(0)).openHexadecimal(with: former) }
                    #expect(Set(opened.map { Hex.encode($0) }) == [shares[0], wallet.shareHex])
                    // And the circle closes: another node takes over what was written.
                    try await TestDatabase.withEmpty(connections: 4) { third in
                        let last = try Stage(third, secrets: secrets)
                        #expect(try await last.service.importFormer(from: target).written == 2)
                        #expect(try await last.get(wallet, as: "new") == wallet.shareHex)
                    }
                }
            }
        }
    }
}
