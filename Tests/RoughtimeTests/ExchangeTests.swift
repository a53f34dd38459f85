// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import Roughtime

@Suite("Exchanges in every version")
struct ExchangeTests {
    @Test("a server with fixed keys and clock gives the bytes of the vectors, in every version and batch")
    func exactBytes() throws {
        let vectors: ExchangeVectors = try Vectors.load("exchanges")
        let identity = try vectors.identity()
        #expect(identity.versions.numbered == vectors.vers_list.map(\.version))
        #expect(LongTermKey.serverTag(publicKey: vectors.longterm_public.bytes) == vectors.srv.bytes)
        // Without a budget for lone signatures even disputed versions share a tree, as the vectors do.
        let batch = AnswerBatch(legacySignaturesPerSecond: 0)
        #expect(vectors.exchanges.count == 38)
        for exchange in vectors.exchanges {
            let answers = batch.answers(
                to: exchange.requests.map(\.bytes),
                rules: vectors.rules,
                identities: [identity],
                time: vectors.time
            )
            #expect(
                try answers.map { try Hex.encode($0.get()) } == exchange.responses.map { Hex.encode($0.bytes) },
                "\(exchange.version.version), batch of \(exchange.batch)"
            )
        }
    }

    @Test("leaves, roots, signed parts and delegations are those of the vectors")
    func parts() throws {
        let vectors: ExchangeVectors = try Vectors.load("exchanges")
        for exchange in vectors.exchanges {
            let profile = try #require(Profile.of(exchange.version.version))
            let hasher = Hasher512(profile.hash)
            let leaves = try exchange.requests.map { request in
                profile.leaf == .packet ? request.bytes : try Request(reading: request.bytes).nonce
            }
            #expect(leaves.map(hasher.leaf) == exchange.leaf_hashes.map(\.bytes))
            #expect(MerkleTree(leaves: leaves, hash: profile.hash).root == exchange.root.bytes)
            let format = profile.timeFormat
            #expect(
                [UInt8](littleEndian: format.encodeMidpoint(unixMicroseconds: vectors.now_unix_us))
                    == exchange.midp_wire.bytes
            )
            #expect([UInt8](littleEndian: vectors.time.radius(profile)) == exchange.radi_wire.bytes)
            let delegation = Delegation(
                publicKey: vectors.online_public.bytes,
                notBefore: vectors.mint_unix_us,
                notAfter: vectors.maxt_unix_us,
                format: format
            )
            #expect(delegation.message.bytes == exchange.dele.bytes)
        }
    }

    @Test("a client accepts every answer of the vectors and reads the time that was stated")
    func verification() throws {
        let vectors: ExchangeVectors = try Vectors.load("exchanges")
        let verifier = ResponseVerifier(longTermPublicKey: vectors.longterm_public.bytes)
        for exchange in vectors.exchanges {
            for (request, response) in zip(exchange.requests, exchange.responses) {
                let verified = try verifier.verify(response.bytes, to: request.bytes)
                #expect(verified.version == exchange.version.version)
                #expect(verified.order == .natural)
                #expect(verified.radius == 3_000_000)
                let exact = Int128(vectors.now_unix_us)
                let isWhole = Profile.of(verified.version)?.timeFormat == .unixSeconds
                #expect(verified.midpoint == (isWhole ? exact / 1_000_000 * 1_000_000 : exact))
                #expect(!verified.isDowngraded && !verified.usesDraftContext)
            }
        }
    }

    @Test("answers of other people's servers verify")
    func thirdParty() throws {
        struct Capture: Decodable {
            let source: String
            let longterm_public: HexBytes
            let requests: [HexBytes]
            let responses: [HexBytes]
        }
        let captures: [Capture] = try Vectors.load("third_party")
        #expect(captures.count == 7)
        for capture in captures {
            let verifier = ResponseVerifier(longTermPublicKey: capture.longterm_public.bytes)
            for (request, response) in zip(capture.requests, capture.responses) {
                #expect(throws: Never.self, "\(capture.source)") {
                    _ = try verifier.verify(response.bytes, to: request.bytes)
                }
            }
        }
    }

    @Test("trees in the other order are accepted in the versions where servers build them, and nowhere else")
    func mirrored() throws {
        struct Vector: Decodable {
            struct Batch: Decodable {
                let version: VersionNumber
                let requests: [HexBytes]
                let responses: [HexBytes]
            }
            let longterm_public: HexBytes
            let batches: [Batch]
        }
        let vector: Vector = try Vectors.load("mirrored")
        let verifier = ResponseVerifier(longTermPublicKey: vector.longterm_public.bytes)
        var mirrored = 0
        for batch in vector.batches {
            for (request, response) in zip(batch.requests, batch.responses) {
                let verified = try verifier.verify(response.bytes, to: request.bytes)
                mirrored += verified.order == .mirrored ? 1 : 0
            }
        }
        #expect(mirrored > 0)
        #expect(Profile.table.filter(\.mayBeMirrored).map(\.version) == (5...12).map(Version.draft))
    }

    @Test("of the cases for version 1 exactly the valid ones are accepted")
    func responses() throws {
        struct Vector: Decodable {
            struct Case: Decodable {
                let name: String
                let expect: String
                let hex: HexBytes
            }
            let longterm_public: HexBytes
            let request: HexBytes
            let cases: [Case]
        }
        let vector: Vector = try Vectors.load("responses")
        let verifier = ResponseVerifier(longTermPublicKey: vector.longterm_public.bytes)
        #expect(vector.cases.count == 39)
        for item in vector.cases {
            let isAccepted = (try? verifier.verify(item.hex.bytes, to: vector.request.bytes)) != nil
            #expect(isAccepted == (item.expect == "accept"), "\(item.name)")
        }
    }

    @Test("the example of the RFC verifies only with the drafts' contexts, and says so")
    func exampleOfTheRFC() throws {
        struct Vector: Decodable {
            struct Report: Decodable { let responses: [Link] }
            struct Link: Decodable {
                let publicKey: Data
                let request: Data
                let response: Data
            }
            let report: Report
        }
        let vector: Vector = try Vectors.load("appendix_b")
        for link in vector.report.responses {
            let key = Array(link.publicKey)
            #expect(throws: VerificationFailure.delegationSignature) {
                try ResponseVerifier(longTermPublicKey: key).verify(Array(link.response), to: Array(link.request))
            }
            let options = VerificationOptions(acceptsDraftContexts: true)
            let verified = try ResponseVerifier(longTermPublicKey: key, options: options)
                .verify(Array(link.response), to: Array(link.request))
            #expect(verified.usesDraftContext)
        }
    }
}
