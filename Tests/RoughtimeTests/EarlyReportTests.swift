// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import Roughtime

@Suite("Reports without requests, and statements without questions")
struct EarlyReportTests {
    /// A chain of one server of the vectors, a version a link.
    private static func chain(_ versions: [Version]) throws -> (links: [ChainLink], key: [UInt8]) {
        let vectors: ExchangeVectors = try Vectors.load("exchanges")
        let identity = try vectors.identity()
        var links: [ChainLink] = []
        for version in versions {
            let length = try #require(Profile.of(version)).nonceLength
            var blind: [UInt8]?
            var nonce = [UInt8](repeating: 9, count: length)
            if let last = links.last {
                let random = [UInt8](repeating: UInt8(links.count), count: 32)
                nonce = ChainLink.nonce(after: last.response, blind: random, length: length)
                blind = random
            }
            let request = try #require(Request(versions: [version], nonce: nonce))
            let answer = try AnswerBatch().answers(
                to: [request.packet],
                rules: vectors.rules,
                identities: [identity],
                time: vectors.time
            )[0].get()
            links.append(
                ChainLink(
                    blind: blind,
                    publicKey: identity.longTermPublicKey,
                    request: request.packet,
                    response: answer
                )
            )
        }
        return (links, identity.longTermPublicKey)
    }

    private static func json(_ nonces: [[UInt8]], _ responses: [[UInt8]]) throws -> Data {
        try JSONSerialization.data(withJSONObject: [
            "nonces": nonces.map { Base64.encode($0) }, "responses": responses.map { Base64.encode($0) },
        ])
    }

    @Test("a report of random parts and answers verifies with the server's key, with or without the first nonce")
    func reads() throws {
        let (links, key) = try Self.chain([.draft(8), .draft(11), .draft(9), .draft(4)])
        let blinds = links.compactMap(\.blind)
        for nonces in [blinds, [[1, 2, 3]] + blinds] {
            let json = try Self.json(nonces, links.map(\.response))
            let read = try MalfeasanceReport(json: json, keys: [[UInt8](repeating: 1, count: 32), key])
            #expect(read.links.map(\.response) == links.map(\.response))
            #expect(read.links.allSatisfy { $0.publicKey == key })
            #expect(try VerifiedChain(verifying: read.links).isConsistent)
            // What was read is a report of today's form.
            #expect(try MalfeasanceReport(json: read.json) == read)
        }
    }

    @Test("without the key, with another order or with another random part it is no report")
    func refused() throws {
        let (links, key) = try Self.chain([.draft(8), .draft(9), .draft(10)])
        let blinds = links.compactMap(\.blind)
        let responses = links.map(\.response)
        #expect(throws: ReportFormatError.self) { try MalfeasanceReport(json: Self.json(blinds, responses)) }
        #expect(throws: ReportFormatError.self) {
            try MalfeasanceReport(json: Self.json([], responses), keys: [key])
        }
        #expect(throws: ReportFormatError.self) {
            try MalfeasanceReport(json: Self.json(blinds + blinds, responses), keys: [key])
        }
        for json in [
            try Self.json(blinds.reversed(), responses), try Self.json(blinds, responses.reversed()),
        ] {
            let links = try MalfeasanceReport(json: json, keys: [key]).links
            #expect(throws: ChainFailure.self) { try VerifiedChain(verifying: links) }
        }
    }

    @Test("versions whose answers are bound to the whole request cannot be reported without it")
    func needsRequest() throws {
        let (links, key) = try Self.chain([.draft(8), .draft12])
        let json = try Self.json(links.compactMap(\.blind), links.map(\.response))
        #expect(throws: ReportFormatError.self) { try MalfeasanceReport(json: json, keys: [key]) }
    }

    @Test("an answer states its time to whoever knows the server's key", arguments: Version.all)
    func statement(_ version: Version) throws {
        let (links, key) = try Self.chain([version])
        let statement = try ResponseVerifier(longTermPublicKey: key).statement(in: links[0].response)
        let verified = try ResponseVerifier(longTermPublicKey: key).verify(links[0].response, to: links[0].request)
        #expect(statement.version == version)
        #expect(statement.midpoint == verified.midpoint && statement.radius == verified.radius)
        let other = ResponseVerifier(longTermPublicKey: [UInt8](repeating: 2, count: 32))
        #expect(throws: VerificationFailure.self) { try other.statement(in: links[0].response) }
    }

    @Test("a statement in which any signed bit is changed is none")
    func altered() throws {
        let (links, key) = try Self.chain([.rfc10049])
        let verifier = ResponseVerifier(longTermPublicKey: key)
        let response = links[0].response
        let original = try verifier.statement(in: response)
        for bit in 0..<response.count * 8 {
            var altered = response
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            // The nonce, the path and the index are no part of what is stated.
            if let statement = try? verifier.statement(in: altered) { #expect(statement == original) }
        }
    }
}
