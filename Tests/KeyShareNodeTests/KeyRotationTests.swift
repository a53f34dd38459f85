// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import CommitReveal
import Foundation
import KeyShareProtocol
import KeyShares
import Postgres
import ShareEnvelopes
import Synchronization
import Testing

@testable import KeyShareNode

/// Raised once.
final class Flag: Sendable {
    private let value = Mutex(false)

    var isRaised: Bool { value.withLock { $0 } }

    func raise() { value.withLock { $0 = true } }
}

/// Keys that change while the node serves.
@Suite struct KeyRotationTests {
    private func filled(_ stage: Stage, count: Int) async throws -> [TestWallet] {
        let wallets = try (0..<count).map { try TestWallet($0 % 2 == 0 ? .secp256k1 : .ed25519) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for wallet in wallets { group.addTask { try await stage.register(wallet, as: "owner:\(UUID())") } }
            try await group.waitForAll()
        }
        return wallets
    }

    private func share(_ stage: Stage, _ wallet: TestWallet) async throws -> Bool {
        try await stage.get(wallet, as: "owner") == wallet.shareHex
    }

    @Test func `every share is read all the time while the key is rotated, through every process`() async throws {
        try await Stage.with { stage in
            let other = try await stage.other()
            let wallets = try await self.filled(stage, count: 120)
            let isDone = Flag()
            try await withThrowingTaskGroup(of: Int.self) { group in
                for node in [stage, other] {
                    group.addTask {
                        var reads = 0
                        repeat {
                            for wallet in wallets {
                                #expect(try await self.share(node, wallet))
                                reads += 1
                            }
                            // A share that is made meanwhile is not lost either.
                            let new = try TestWallet(.secp256k1)
                            try await node.register(new, as: "owner")
                            #expect(try await self.share(node, new))
                        } while !isDone.isRaised
                        return reads
                    }
                }
                for epoch in 2...4 {
                    let report = try await stage.service.rotateKeyEncryptionKey()
                    #expect(report.epoch == Int32(epoch) && report.isComplete && report.damaged == 0)
                }
                isDone.raise()
                for try await reads in group { #expect(reads >= wallets.count) }
            }
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE kek_epoch <> 4"#) == 0)
            #expect(try await stage.number(#"SELECT count(*) FROM "2_kek_epochs" WHERE state = 'retired'"#) == 3)
            #expect(try await stage.audit(.shareDamaged).isEmpty)
        }
    }

    @Test func `a rotation that was killed in the middle is gone on with, by whoever comes next`() async throws {
        try await Stage.with { stage in
            let wallets = try await self.filled(stage, count: 30)
            // As a process leaves it that dies between two batches: the epoch has begun, a part of the rows is in it.
            _ = try await stage.client.query(StoreSQL.beginEpoch)
            await stage.service.readKeys()
            try await stage.register(try TestWallet(.ed25519), as: "owner")
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE kek_epoch = 1"#) == 30)
            let next = try await stage.other()
            for wallet in wallets { #expect(try await self.share(next, wallet)) }
            try await next.service.resumeRotation()
            #expect(try await stage.number(#"SELECT count(*) FROM "2_key_shares" WHERE kek_epoch = 1"#) == 0)
            #expect(try await stage.number(#"SELECT max(epoch) FROM "2_kek_epochs""#) == 2)
            for wallet in wallets { #expect(try await self.share(stage, wallet)) }
            // A rotation that is asked for goes on with one that was stopped, and begins none.
            _ = try await stage.client.query(StoreSQL.beginEpoch)
            #expect(try await stage.service.rotateKeyEncryptionKey().epoch == 3)
        }
    }

    @Test func `a rotation that stops between two batches leaves every share readable, and its rest to the next`()
        async throws
    {
        try await Stage.with { stage in
            let ring = try #require(stage.service.holder.keys?.ring)
            try await CareTests.fill(stage, count: 1800, ring)
            let wallets = try await self.filled(stage, count: 10)
            let other = try await stage.other()
            let (begun, batch) = AsyncStream.makeStream(of: Void.self)
            let rotation = Task {
                try await other.service.rotateKeyEncryptionKey { progress in
                    guard progress.rewrapped >= 500, !progress.isComplete else { return }
                    batch.yield()
                    // As far as it gets: the rest of its statements are cancelled.
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            for await _ in begun { break }
            await #expect(throws: (any Error).self) { try await rotation.value }
            let left = #"SELECT count(*) FROM "2_key_shares" WHERE kek_epoch = 1"#
            let missing = try await stage.number(left)
            #expect(missing > 0 && missing <= 1310)
            for wallet in wallets { #expect(try await self.share(stage, wallet)) }
            let report = try await stage.service.rotateKeyEncryptionKey()
            #expect(report.epoch == 2 && report.isComplete && Int64(report.rewrapped) == missing)
            for wallet in wallets { #expect(try await self.share(other, wallet)) }
        }
    }

    @Test func `a process that missed a rotation writes nothing in a retired epoch`() async throws {
        try await Stage.with { stage in
            let other = try await stage.other()
            _ = try await stage.service.rotateKeyEncryptionKey()
            #expect(other.service.holder.keys?.ring.current == 1, "it has not looked yet")
            let wallet = try TestWallet(.secp256k1)
            try await other.register(wallet)
            #expect(try await stage.number(#"SELECT kek_epoch FROM "2_key_shares""#) == 2)
            #expect(try await stage.get(wallet) == wallet.shareHex)
        }
    }

    @Test func `a damaged row keeps its epoch and stops nothing else`() async throws {
        try await Stage.with { stage in
            let wallets = try await self.filled(stage, count: 6)
            try await stage.run(
                """
                UPDATE "2_key_shares" SET enc_share = set_byte(enc_share, 30, get_byte(enc_share, 30) # 1)
                WHERE share_id = (SELECT min(share_id::text)::uuid FROM "2_key_shares")
                """
            )
            let report = try await stage.service.rotateKeyEncryptionKey()
            #expect(report.damaged == 1 && report.rewrapped == 5 && !report.isComplete)
            var good = 0
            for wallet in wallets { if (try? await self.share(stage, wallet)) == true { good += 1 } }
            #expect(good == 5)
        }
    }

    @Test func `a share that waits for its refresh is rotated with the others`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            try await stage.run(
                """
                INSERT INTO "2_share_history" (share_id, share_epoch, refresh_id, enc_share, format, kek_epoch, expires_at)
                SELECT share_id, 0, gen_random_uuid(), enc_share, 2, 1, now() + interval '1 day' FROM "2_key_shares";
                INSERT INTO "2_pending_refreshes" (share_id, refresh_id, share_epoch, enc_share, format, kek_epoch,
                    verifying_share, expires_at)
                SELECT share_id, gen_random_uuid(), 2, enc_share, 2, 1, '', now() + interval '1 day' FROM "2_key_shares"
                """
            )
            #expect(try await stage.service.rotateKeyEncryptionKey().rewrapped == 3)
        }
    }

    @Test func `the vectors' session is answered by a node with the vectors' key`() async throws {
        let vectors = try Vectors.sessions()
        let seed = try #require(Hex.decode(vectors.node_seed))
        try await Stage.with { stage in
            let keys = try #require(stage.service.holder.keys)
            let (id, key) = (UUID(), try #require(NodeKey(seed: seed)))
            let text = try KeypairText.seal(key, id: id, ring: keys.ring, former: nil, writes: .v2)
            try await stage.run(
                """
                UPDATE "2_server_keypairs" SET is_active = false, rotated_at = now();
                INSERT INTO "2_server_keypairs" (keypair_id, version, public_key, enc_private_key)
                VALUES ('\(id)', 2, '\\x\(key.hex)', '\(text)')
                """
            )
            await stage.service.readKeys()
            let wallets = try [TestWallet(.secp256k1), TestWallet(.ed25519)]
            let second = try TestWallet(.secp256k1)
            let added = try TestWallet(.ed25519)
            let both = String(FormerRouteTests.wallets(wallets[0], wallets[1]).dropFirst().dropLast())
            let get = #""wallets":{"secp256k1":"\#(wallets[0].publicKey)"}"#
            // Who registers has to come first.
            let order =
                vectors.calls.filter { $0.operation_type == "sign_up" }
                + vectors.calls.filter { $0.operation_type != "sign_up" }
            var operation = ""
            for call in order {
                if call.operation_type != operation {
                    operation = call.operation_type
                    try await stage.run(
                        """
                        DELETE FROM "2_commit_reveal_api_calls"; DELETE FROM "2_commit_reveal_sessions";
                        DELETE FROM "2_used_token_hashes"
                        """
                    )
                    let answer = try await stage.call(
                        .commitV2,
                        as: nil,
                        #"""
                        {"session_id":"\#(vectors.session_id)","operation_type":"\#(operation)",
                        "client_ephemeral_pubkey":"\#(vectors.client_ephemeral_pubkey)",
                        "id_token_hash":"\#(vectors.id_token_hash)"}
                        """#
                    )
                    #expect(answer.data["node_signature"] as? String == vectors.node_signature)
                    #expect(answer.data["node_pubkey"] as? String == key.hex)
                }
                let (route, members): (KeyShareRoute, String) =
                    switch call.api_name {
                    case "register": (.registerV2, both)
                    case "get_key_shares": (.getV2, get)
                    case "reshare": (.reshareV2, both)
                    case "reshare_register": (.reshareRegisterV2, #""wallets":{"secp256k1":{\#(second.members)}}"#)
                    default: (.registerEd25519V2, added.members)
                    }
                let fields = #""cr_session_id":"\#(vectors.session_id)","cr_signature":"\#(call.cr_signature)""#
                try await stage.call(route, as: vectors.id_token, "{\(fields),\(members)}")
            }
        }
    }
}
