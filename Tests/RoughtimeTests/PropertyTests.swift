// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Roughtime

@Suite("Whatever comes in")
struct PropertyTests {
    /// A generator that gives the same numbers in every run.
    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var value = state
            value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
            return value ^ (value >> 31)
        }
    }

    private static func exchange(_ version: Version) throws -> (request: [UInt8], response: [UInt8], key: [UInt8]) {
        let vectors: ExchangeVectors = try Vectors.load("exchanges")
        let exchange = try #require(vectors.exchanges.first { $0.version.version == version && $0.batch == 1 })
        return (exchange.requests[0].bytes, exchange.responses[0].bytes, vectors.longterm_public.bytes)
    }

    @Test("an answer with any bit changed, or cut anywhere, is refused", arguments: Version.all)
    func alteredAnswers(_ version: Version) throws {
        let (request, response, key) = try Self.exchange(version)
        let verifier = ResponseVerifier(longTermPublicKey: key)
        let original = try verifier.verify(response, to: request)
        // Every 23rd bit: all bits of a byte come up, and the test takes a second, not ten.
        for bit in stride(from: Int(version.rawValue & 0xf), to: response.count * 8, by: 23) {
            var altered = response
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            let verified = try? verifier.verify(altered, to: request)
            // Servers of drafts 12 and 13 know no TYPE, so its name may change; it says nothing about the time.
            let isType = version == .draft12 && (24..<56).contains(bit / 8)
            #expect(verified == nil || isType && verified == original, "bit \(bit)")
        }
        for length in 0..<response.count {
            #expect((try? verifier.verify(Array(response.prefix(length)), to: request)) == nil, "\(length) bytes")
        }
    }

    @Test("an answer to another request is refused", arguments: Version.all)
    func otherRequests(_ version: Version) throws {
        let (request, response, key) = try Self.exchange(version)
        let asked = try Request(reading: request)
        var nonce = asked.nonce
        nonce[nonce.count - 1] ^= 1
        let other = try #require(Request(versions: asked.versions, nonce: nonce))
        #expect(throws: VerificationFailure.self) {
            try ResponseVerifier(longTermPublicKey: key).verify(response, to: other)
        }
    }

    @Test(
        "a request that is cut is dropped, and a version that was not offered is never chosen",
        arguments: Version.all
    )
    func alteredRequests(_ version: Version) throws {
        let (request, _, key) = try Self.exchange(version)
        let rules = RequestRules(longTermPublicKeys: [key])
        for length in stride(from: 0, to: 1024, by: 13) {
            guard case .failure = rules.decide(Array(request.prefix(length)).span.bytes) else {
                Issue.record("\(length) bytes were accepted")
                continue
            }
        }
        for bit in stride(from: 0, to: 160 * 8, by: 5) {
            var altered = request
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            guard case .success(let accepted) = rules.decide(altered.span.bytes) else { continue }
            let read = try Request(reading: altered)
            #expect(read.versions.contains(accepted.version), "bit \(bit)")
            #expect(Array(altered[accepted.nonce]) == read.nonce, "bit \(bit)")
        }
    }

    @Test("random bytes are never an answer, a request, a list, a report or a proof")
    func noise() throws {
        var numbers = Numbers(state: 1)
        let (request, _, key) = try Self.exchange(.rfc10049)
        let verifier = ResponseVerifier(longTermPublicKey: key)
        let rules = RequestRules(longTermPublicKeys: [key])
        for _ in 0..<200 {
            let count = Int.random(in: 0...1100, using: &numbers)
            var bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &numbers) }
            if bytes.count > 16, Bool.random(using: &numbers) { bytes = Frame.wrap(bytes) }
            #expect((try? verifier.verify(bytes, to: request)) == nil)
            #expect((try? verifier.statement(in: bytes)) == nil)
            if case .success = rules.decide(bytes.span.bytes) { Issue.record("noise was accepted") }
            #expect((try? ServerList(json: Data(bytes))) == nil)
            #expect((try? MalfeasanceReport(json: Data(bytes), keys: [key])) == nil)
            #expect((try? TimeProof(json: Data(bytes))) == nil)
        }
    }

    @Test("a list or report that is cut is refused, and one with a changed byte is refused or reads and writes alike")
    func alteredDocuments() throws {
        let list = ServerList.publicServers.json
        let report = try ChainTests.report("honest")
        var numbers = Numbers(state: 2)
        for length in stride(from: 0, to: list.count - 2, by: 3) {
            #expect((try? ServerList(json: list.prefix(length))) == nil)
        }
        for length in stride(from: 0, to: report.count - 2, by: 211) {
            #expect((try? MalfeasanceReport(json: report.prefix(length))) == nil)
        }
        for _ in 0..<60 {
            var altered = Array(list)
            altered[Int.random(in: 0..<altered.count, using: &numbers)] = UInt8.random(
                in: .min ... .max,
                using: &numbers
            )
            if let read = try? ServerList(json: Data(altered)) {
                #expect(try ServerList(json: read.json).servers.map(\.publicKey) == read.servers.map(\.publicKey))
            }
            var other = Array(report)
            other[Int.random(in: 0..<other.count, using: &numbers)] = UInt8.random(in: .min ... .max, using: &numbers)
            if let read = try? MalfeasanceReport(json: Data(other)) {
                #expect(try MalfeasanceReport(json: read.json) == read)
            }
        }
    }
}
