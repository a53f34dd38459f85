// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import CommitReveal
import Foundation
import KeyShareProtocol
import KeyShares
import Postgres
import ShareEnvelopes
import Testing

@testable import KeyShareNode

/// What runs beside the calls, and how much the store bears.
@Suite struct CareTests {
    @Test func `a round of care does all its work without a complaint`() async throws {
        try await Stage.with(secrets: try Stage.secrets(former: "a former secret")) { stage in
            try await stage.register(try TestWallet(.secp256k1))
            _ = try await SessionClient.opened(stage, .signIn)
            await stage.service.care(round: 0)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_audit_heads""#) == 1)
            stage.clock.advance(seconds: 400)
            await stage.service.care(round: 30)
            #expect(
                try await stage.number(#"SELECT count(*) FROM "2_commit_reveal_sessions" WHERE state = 'EXPIRED'"#) == 1
            )
            #expect(!stage.logs.all.contains { $0.hasPrefix("error") || $0.hasPrefix("critical") })
        }
    }

    @Test func `questions of one address about one person end, and nobody else is kept from asking`() async throws {
        try await Stage.with(change: { $0.checksPerHour = 3 }) { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            func code(_ peer: String, _ name: String = "test_alice") async -> KeyShareFailureCode? {
                let body = #"{"user_auth_id":"\#(name)","curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
                do throws(KeyShareFailure) {
                    _ = try await stage.service.answer(.checkV1, KeyShareCall(body: Array(body.utf8), peer: peer))
                    return nil
                } catch { return error.code }
            }
            for _ in 0..<3 { #expect(await code("192.0.2.1") == nil) }
            #expect(await code("192.0.2.1") == .rateLimitExceeded)
            #expect(await code("192.0.2.1", "test_bob") == nil)
            #expect(await code("192.0.2.2") == nil)
            #expect(try await stage.get(wallet) == wallet.shareHex)
        }
    }

    @Test func `fifty thousand shares are rotated while shares are read, and none is lost`() async throws {
        try await Stage.with { stage in
            let count = 50_000
            let ring = try #require(stage.service.holder.keys?.ring)
            try await Self.fill(stage, count: count, ring)
            let wallets = try (0..<20).map { _ in try TestWallet(.secp256k1) }
            for wallet in wallets { try await stage.register(wallet) }
            let isDone = Flag()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { () async throws in
                    repeat {
                        for wallet in wallets { #expect(try await stage.get(wallet) == wallet.shareHex) }
                    } while !isDone.isRaised
                }
                let report = try await stage.service.rotateKeyEncryptionKey()
                isDone.raise()
                try await group.waitForAll()
                #expect(report.isComplete && report.rewrapped >= count && report.damaged == 0)
            }
            #expect(
                try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE kek_epoch = 2"#) == Int64(count + 20)
            )
            let check = try await stage.service.check(database: stage.client, sample: 20)
            #expect(check.rowCounts["2_key_shares"] == Int64(count + 20))
        }
    }

    /// Rows of one user whose envelopes hold a valid share.
    static func fill(_ stage: Stage, count: Int, _ ring: EnvelopeKeyRing) async throws {
        let wallet = try TestWallet(.secp256k1)
        let plain = wallet.share.bytes
        try await stage.run(#"INSERT INTO "2_users" (auth_type, user_auth_id) VALUES ('google', 'test_many')"#)
        for start in stride(from: 0, to: count, by: 5000) {
            var (shares, wallets, keys, sealed): ([String], [String], [[UInt8]], [[UInt8]]) = ([], [], [], [])
            for number in start..<min(start + 5000, count) {
                let (share, id) = (UUID(), UUID())
                let key = [UInt8(2)] + (0..<32).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) }
                let row = EnvelopeRow(shareID: share, walletID: id, curve: .secp256k1, publicKey: key)
                let envelope = try plain.withUnsafeBytes { bytes in
                    Result { () throws(EnvelopeError) in try ShareEnvelope(sealing: bytes, for: row, with: ring) }
                }.get()
                shares.append(share.uuidString)
                wallets.append(id.uuidString)
                keys.append(key)
                sealed.append(envelope.bytes)
            }
            _ = try await stage.client.query(
                Statement(
                    "t.fill",
                    #"""
                    WITH n AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3, $4) AS n (share, wallet, key, sealed)),
                    w AS (INSERT INTO "2_wallets" (wallet_id, user_id, curve_type, public_key)
                        SELECT n.wallet, u.user_id, 'secp256k1', n.key FROM n, "2_users" u
                        WHERE u.user_auth_id = 'test_many')
                    INSERT INTO "2_key_shares" (share_id, wallet_id, enc_share, format, kek_epoch)
                    SELECT share, wallet, sealed, 2, 1 FROM n
                    """#
                ),
                [.textArray(shares), .textArray(wallets), .byteaArray(keys), .byteaArray(sealed)]
            )
        }
    }
}
