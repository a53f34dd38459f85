// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KeyShareProtocol
import KeyShares
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Testing

@testable import KeyShareNode

/// Nodes whose root secret comes in pieces.
@Suite struct SealedNodeTests {
    @Test func `a node of pieces starts sealed and opens with enough of them`() async throws {
        try await TestDatabase.withClient(of: TestDatabase.keyshare(), connections: 4) { client in
            let first = try Stage(client, secrets: try ShareSecrets(root: nil))
            await #expect(throws: KeyShareNodeError.self) { try await first.service.prepare() }
            let pieces = try await first.service.initialise(pieces: 5, threshold: 3)
            #expect(pieces.count == 5)
            await #expect(throws: KeyShareNodeError.self) {
                try await first.service.initialise(pieces: 5, threshold: 3)
            }
            try await first.service.prepare()
            #expect(first.service.isSealed)
            #expect(await first.service.status().isSealed)
            let wallet = try TestWallet(.secp256k1)
            let body = #"{"curve_type":"secp256k1",\#(wallet.members)}"#
            for route in KeyShareRoute.allCases where route.authentication != .administrator {
                #expect(try await first.code(route, body) == .nodeSealed)
            }
            await #expect(throws: KeyShareFailure.self) { try await first.service.unseal("akspiece1nonsense") }
            for (given, piece) in zip(1..., pieces[1...2]) {
                // A piece that is given twice counts once.
                for _ in 0..<2 {
                    let progress = try await first.service.unseal(piece.line)
                    #expect(progress == UnsealProgress(given: given, needed: 3, isSealed: true))
                }
            }
            #expect(try await first.service.unseal(pieces[4].line).isSealed == false)
            try await first.register(wallet)
            // Another set of pieces opens the same shares.
            let second = try Stage(client, secrets: try ShareSecrets(root: nil))
            try await second.service.prepare()
            for piece in pieces[0...2] { _ = try await second.service.unseal(piece.line) }
            #expect(try await second.get(wallet) == wallet.shareHex)
            try await second.service.seal()
            let get = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            #expect(try await second.code(.getV1, get) == .nodeSealed)
            for piece in pieces[2...4] { _ = try await second.service.unseal(piece.line) }
            #expect(try await second.get(wallet) == wallet.shareHex)
            for piece in pieces {
                for line in first.logs.all + second.logs.all { #expect(!line.contains(piece.line.dropFirst(20))) }
            }
        }
    }

    @Test func `processes that start at once on an empty database make one node`() async throws {
        try await TestDatabase.withEmpty(connections: 4) { client in
            let stages = try (0..<4).map { _ in try Stage(client, secrets: try Stage.secrets()) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for stage in stages { group.addTask { try await stage.service.prepare() } }
                try await group.waitForAll()
            }
            #expect(try await stages[0].number(#"SELECT count(*) FROM "2_server_keypairs""#) == 1)
            #expect(try await stages[0].number(#"SELECT count(*) FROM "2_kek_epochs""#) == 1)
            let wallet = try TestWallet(.secp256k1)
            try await stages[0].register(wallet)
            for stage in stages { #expect(try await stage.get(wallet) == wallet.shareHex) }
        }
    }

    @Test func `pieces of another node are refused and forgotten`() async throws {
        try await TestDatabase.withClient(of: TestDatabase.keyshare(), connections: 4) { client in
            let stage = try Stage(client, secrets: try ShareSecrets(root: nil))
            let pieces = try await stage.service.initialise(pieces: 3, threshold: 2)
            try await stage.service.prepare()
            let others = try RootSecret.random().split(into: 3, threshold: 2)
            _ = try await stage.service.unseal(others[0].line)
            await #expect(throws: KeyShareFailure.self) { try await stage.service.unseal(others[1].line) }
            _ = try await stage.service.unseal(others[0].line)
            await #expect(throws: KeyShareFailure.self) { try await stage.service.unseal(pieces[1].line) }
            _ = try await stage.service.unseal(pieces[0].line)
            #expect(try await stage.service.unseal(pieces[1].line).isSealed == false)
        }
    }

    @Test func `share routes wait for the end of a restore, which waits for calls that run`() async throws {
        try await Stage.with { stage in
            let wallet = try TestWallet(.secp256k1)
            try await stage.register(wallet)
            let body = #"{"curve_type":"secp256k1","public_key":"\#(wallet.publicKey)"}"#
            try await stage.service.withServiceSuspended { () async throws in
                #expect(try await stage.code(.getV1, body) == .nodeSealed)
                #expect(await stage.service.status().isServing == false)
                await #expect(throws: KeyShareNodeError.self) { try await stage.service.rotateKeyEncryptionKey() }
                await #expect(throws: KeyShareNodeError.self) { try await stage.service.rotateKeypair() }
                await #expect(throws: KeyShareNodeError.self) { try await stage.service.withServiceSuspended {} }
            }
            #expect(try await stage.get(wallet) == wallet.shareHex)
        }
    }

    @Test func `another database is checked with this node's secrets`() async throws {
        try await Stage.with { stage in
            for _ in 0..<3 { try await stage.register(try TestWallet(.ed25519), as: "user\(UUID())") }
            let good = try await stage.service.check(database: stage.client, sample: 2)
            #expect(good.isSound && good.opened == 2 && good.rowCounts["2_key_shares"] == 3)
            try await stage.run(#"UPDATE "2_key_shares" SET enc_share = set_byte(enc_share, 150, 7)"#)
            let bad = try await stage.service.check(database: stage.client, sample: 3)
            #expect(!bad.isSound && bad.failed >= 2)
            try await TestDatabase.withEmpty { empty async throws in
                #expect(try await stage.service.check(database: empty, sample: 3).isSound == false)
            }
        }
    }
}
