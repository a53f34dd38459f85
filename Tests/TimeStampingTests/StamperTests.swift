// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Roughtime
import Testing
import TimeStamping
import TimeTestSupport

private let now: Int64 = 1_790_000_000_000_000
private let digest = Array(SHA256.hash(data: Array("a document".utf8)))

@Suite("Stamps of documents")
struct StamperTests {
    private func stamper(
        _ server: TestTimeServer,
        extend: @escaping Stamper.Extension = { $0 }
    ) -> Stamper {
        Stamper(publicKey: server.publicKey, answer: { server.answer($0) }, extend: extend)
    }

    @Test("a stamp is a proof that anybody can verify, and says before when the document existed")
    func single() async throws {
        let server = try TestTimeServer(now: now)
        let proof = try await stamper(server).stamp(digest: digest)
        let verified = try TimeProof(json: proof.json).verify(trustedKeys: [server.publicKey])
        #expect(verified.existedBefore == Int128(now + 1_000_000))
        #expect(proof.digest == digest && proof.branch == nil)
        #expect(server.answered == 1)
    }

    @Test("two stamps of the same document have different nonces")
    func salted() async throws {
        let server = try TestTimeServer(now: now)
        let first = try await stamper(server).stamp(digest: digest)
        let second = try await stamper(server).stamp(digest: digest)
        #expect(first.salt != second.salt)
    }

    @Test("a server of others makes the chain longer, and the proof holds for both keys only")
    func longer() async throws {
        let (own, other) = (try TestTimeServer(now: now), try TestTimeServer(now: now))
        let proof = try await stamper(own, extend: { other.extend($0) }).stamp(digest: digest)
        #expect(proof.chain.links.map(\.publicKey) == [own.publicKey, other.publicKey])
        #expect(throws: Never.self) { try proof.verify(trustedKeys: [own.publicKey, other.publicKey]) }
        #expect(throws: TimeProofFailure.untrustedKey(other.publicKey)) {
            try proof.verify(trustedKeys: [own.publicKey])
        }
    }

    @Test("a server of others that fails, lies or answers something else leaves a proof by our own")
    func others() async throws {
        let own = try TestTimeServer(now: now)
        let behind = try TestTimeServer(now: now - 3_600_000_000)
        let extensions: [Stamper.Extension] = [
            { $0 }, { _ in [] }, { behind.extend($0) }, { $0 + $0 }, { behind.extend($0).reversed() },
        ]
        for extend in extensions {
            let proof = try await stamper(own, extend: extend).stamp(digest: digest)
            #expect(proof.chain.links.map(\.publicKey) == [own.publicKey])
            #expect(throws: Never.self) { try proof.verify() }
        }
    }

    @Test("nothing is handed out that does not prove anything")
    func unproven() async throws {
        let (own, other) = (try TestTimeServer(now: now), try TestTimeServer(now: now))
        let impostor = Stamper(publicKey: own.publicKey) { packet in
            // Signed by another key for the same nonce.
            guard let request = try? Request(reading: packet),
                let copy = Request(versions: [.rfc10049], nonce: request.nonce, serverKey: other.publicKey)
            else { return .failure(.parse) }
            return other.answer(copy.packet)
        }
        await #expect(throws: StampError.self) { try await impostor.stamp(digest: digest) }
        own.failure = .unsynchronised
        await #expect(throws: StampError.dropped(.unsynchronised)) { try await stamper(own).stamp(digest: digest) }
        struct Gone: Error {}
        let alone = Stamper(publicKey: own.publicKey) { _ in throw Gone() }
        await #expect(throws: StampError.unreachable("Gone()")) { try await alone.stamp(digest: digest) }
    }
}
