// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Nostr
import Postgres
import PostgresTestSupport
import Roughtime
import Secp256k1
import Synchronization
import Testing
import TimeArchive
import TimeStamping
import TimeTestSupport

@Suite("Signing for stamped scores")
struct ScoreAttestorTests {
    private static let time: Int64 = 1_790_000_000

    private func stamper(_ server: TestTimeServer, _ archive: ScoreArchive, _ version: Int64) -> ScoreStamper {
        ScoreStamper(
            stamper: Stamper(publicKey: server.publicKey) { server.answer($0) },
            archive: archive,
            source: ScoreSource {
                ScoreSource.Edition(version: version) {
                    (1...3).map { node in
                        StampableScore(
                            node: [UInt8](repeating: UInt8(node), count: 32),
                            content: { Array("\(node) \(version)".utf8) },
                            document: { Array("{\"after\":\"\($0)\",\"node\":\(node)}".utf8) }
                        )
                    }
                }
            },
            logger: TestDatabase.silentLogger
        )
    }

    private func attest(_ signer: any SchnorrSigner, _ client: PostgresClient) async throws -> Int {
        try await client.withConnection { try await ScoreAttestor(signer: signer) { Self.time }.attest(in: $0) }
    }

    @Test("every score of a stamp is vouched for by one event, once")
    func vouched() async throws {
        try await TestDatabase.withMigrated { client in
            let server = try TestTimeServer(now: Self.time * 1_000_000)
            let archive = ScoreArchive(client: client)
            #expect(try await stamper(server, archive, 1).stamp() == .stamped(3))
            let secret = SecretKey.random()
            let first = try #require(try await archive.find([UInt8](repeating: 1, count: 32)))
            #expect(first.attestation == nil)

            #expect(try await attest(HeldKey(secret), client) == 1)
            #expect(try await attest(HeldKey(.random()), client) == 0)
            for node in 1...3 {
                let score = try #require(try await archive.find([UInt8](repeating: UInt8(node), count: 32)))
                let root = try #require(score.proof.root)
                let json = try #require(score.attestation)
                let event = try ScoreAttestation.check(json, root: root, signer: NostrKey(secret))
                #expect(event.createdAt == Self.time)
                #expect(event.tag("scores") == ["scores", "3"])
            }
        }
    }

    @Test("an attestation of other scores, by another key, of another kind or with another signature is refused")
    func refusals() throws {
        let (secret, other) = (SecretKey.random(), SecretKey.random())
        let root = [UInt8](repeating: 7, count: 32)
        let event = ScoreAttestation.event(root: root, scores: 1, key: NostrKey(secret), time: Self.time)
        func failure(
            _ event: NostrEvent,
            root: [UInt8]? = nil,
            signer: SecretKey? = nil
        ) -> AttestationFailure? {
            do throws(AttestationFailure) {
                let key = signer.map { NostrKey($0) }
                _ = try ScoreAttestation.check(event.json, root: root ?? [UInt8](repeating: 7, count: 32), signer: key)
                return nil
            } catch { return error }
        }
        let signed = event.signed(by: secret)
        #expect(failure(signed) == nil)
        #expect(failure(signed, signer: secret) == nil)
        #expect(failure(signed, signer: other) == .signer(NostrKey(secret)))
        #expect(failure(signed, root: [UInt8](repeating: 8, count: 32)) == .root)
        var altered = event
        altered.kind = 1
        #expect(failure(altered.signed(by: secret)) == .kind)
        altered = event
        altered.tags.removeAll { $0.first == "root" }
        #expect(failure(altered.signed(by: secret)) == .root)
        var text = String(decoding: signed.json, as: UTF8.self)
        text = text.replacing("\"scores\",\"1\"", with: "\"scores\",\"2\"")
        #expect(throws: AttestationFailure.signature) {
            try ScoreAttestation.check(Array(text.utf8), root: root, signer: nil)
        }
        #expect(throws: AttestationFailure.malformed) {
            try ScoreAttestation.check(Array("[]".utf8), root: root, signer: nil)
        }
    }

    private struct Away: Error {}

    /// Signs so many times, and then is away.
    private final class Wavering: SchnorrSigner {
        private let key = HeldKey(.random())
        private let left: Mutex<Int>
        var publicKey: XOnlyPublicKey { key.publicKey }

        init(_ count: Int) { left = Mutex(count) }

        func signature(over digest: [UInt8]) async throws -> [UInt8] {
            let may = left.withLock { left in
                left -= 1
                return left >= 0
            }
            guard may else { throw Away() }
            return key.signature(over: digest)
        }
    }

    @Test("what was signed before the signers went away stays, and the rest is signed when they are back")
    func absence() async throws {
        try await TestDatabase.withMigrated { client in
            let server = try TestTimeServer(now: Self.time * 1_000_000)
            let archive = ScoreArchive(client: client)
            for version in Int64(1)...3 {
                #expect(try await stamper(server, archive, version).stamp() == .stamped(3))
                // Only the newest stamp has scores; the others are kept by one of their own each.
                _ = try await client.execute(
                    Statement(
                        "test.keep",
                        """
                        INSERT INTO stamped_scores SELECT $1, stamp, leaf, path, content, document FROM stamped_scores
                        WHERE node = $2
                        """
                    ),
                    [
                        .bytea([UInt8](repeating: UInt8(100 + version), count: 32)),
                        .bytea([UInt8](repeating: 1, count: 32)),
                    ]
                )
                _ = try await client.execute(
                    Statement("test.age", "UPDATE score_stamps SET created_at = created_at - interval '1 hour'")
                )
            }
            await #expect(throws: Away.self) { try await attest(Wavering(2), client) }
            #expect(try await attest(Wavering(9), client) == 1)
            #expect(try await attest(Wavering(9), client) == 0)
        }
    }
}
