// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import ServiceChecks
import Testing
import TrustScore

/// Judgements by the published vectors.
struct VectorTests {
    struct EndpointChecks: Decodable, Sendable {
        struct Invoices: Decodable, Sendable {
            struct Case: Decodable, Sendable {
                let network: String
                let payee: Bool
                let timestamp, expiry, now, amount: Int64
                let advertised: Int64?
                let outcome: String
            }
            let order: [String]
            let cases: [Case]
        }
        struct Bodies: Decodable, Sendable {
            struct Case: Decodable, Sendable {
                let status: Int
                let content_type, body: String
                let score: Int
                let passed: Bool
                let note: String?
            }
            let cases: [Case]
        }
        let invoice_validity: Invoices
        let body_quality: Bodies
    }

    static func vector<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        let url = try #require(Bundle.module.url(forResource: "Vectors/\(name)", withExtension: "json"))
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    @Test("an invoice is judged as the vector says, in its order")
    func invoices() throws {
        let vector = try Self.vector("endpoint_checks", as: EndpointChecks.self).invoice_validity
        for item in vector.cases {
            let facts = InvoiceCheck.Facts(
                network: try #require(BitcoinNetwork(rawValue: item.network)),
                hasPayee: item.payee,
                timestamp: item.timestamp,
                expirySeconds: item.expiry,
                amount: .sat(item.amount)
            )
            let check = InvoiceCheck(
                facts,
                network: .mainnet,
                advertised: item.advertised.map { .sat($0) },
                now: item.now
            )
            #expect(check.rawValue == item.outcome, "\(item)")
        }
        #expect(!vector.cases.isEmpty)
    }

    @Test("the first thing that is wrong with an invoice names the result")
    func order() throws {
        let order = try Self.vector("endpoint_checks", as: EndpointChecks.self).invoice_validity.order
        var facts = InvoiceCheck.Facts(
            network: .testnet,
            hasPayee: false,
            timestamp: 0,
            expirySeconds: 1,
            amount: .sat(100)
        )
        var found = [InvoiceCheck.check("not an invoice", network: .mainnet, advertised: nil, now: 0).check.rawValue]
        func check() -> String {
            InvoiceCheck(facts, network: .mainnet, advertised: .sat(1), now: 1000).rawValue
        }
        found.append(check())
        facts.network = .mainnet
        found.append(check())
        facts.hasPayee = true
        found.append(check())
        facts.expirySeconds = 3600
        found.append(check())
        #expect(found == order)
    }

    @Test("SatRank's judgement of a body is kept to the point")
    func compatibleBodies() throws {
        let cases = try Self.vector("endpoint_checks", as: EndpointChecks.self).body_quality.cases
        for item in cases {
            let quality = CompatibleBodyQuality(
                status: item.status,
                contentType: item.content_type,
                body: Array(item.body.utf8)
            )
            #expect(quality.score == item.score, "\(item)")
            #expect(quality.isGood == item.passed, "\(item)")
        }
        #expect(cases.count == 7)
    }

    @Test("our judgement differs from SatRank's exactly where the vector says that it must")
    func bodies() throws {
        let cases = try Self.vector("endpoint_checks", as: EndpointChecks.self).body_quality.cases
        var differences = 0
        for item in cases {
            let quality = BodyQuality(
                status: item.status,
                contentType: item.content_type,
                body: Array(item.body.utf8)
            )
            let expected = item.note == nil ? item.passed : !item.passed
            #expect(quality.isGood == expected, "\(item): \(quality.reason ?? "good")")
            differences += item.note == nil ? 0 : 1
        }
        #expect(differences == 2)
    }

    @Test("a URL is kept under the hash the vector names")
    func urls() throws {
        struct URLs: Decodable {
            struct Case: Decodable { let url, canonical, sha256: String }
            let cases: [Case]
        }
        for item in try Self.vector("url_canonical", as: URLs.self).cases {
            let identity = try #require(EndpointIdentity(item.url))
            #expect(identity.canonical.description == item.canonical)
            #expect(identity.hash.map { String(format: "%02x", $0) }.joined() == item.sha256)
        }
    }

    @Test("URLs that differ in their query have hashes of their own beside the common one")
    func queries() throws {
        let plain = try #require(EndpointIdentity("https://a.example/x"))
        let one = try #require(EndpointIdentity("https://A.example/x?b=2&a=1#f"))
        let same = try #require(EndpointIdentity("https://a.example/x?a=1&b=2"))
        let other = try #require(EndpointIdentity("https://a.example/x?a=1"))
        #expect(one.hash == plain.hash && plain.alternateHash != plain.hash)
        #expect(one.alternateHash == same.alternateHash && one.alternateHash != plain.hash)
        #expect(other.alternateHash != one.alternateHash)
        #expect(EndpointIdentity("https://a.example/" + String(repeating: "x", count: 500)) == nil)
    }

    @Test("of every published challenge the offer is read as the vector says")
    func challenges() throws {
        struct Challenges: Decodable {
            struct Case: Decodable {
                struct Offer: Decodable { let scheme, token, invoice: String? }
                let name: String
                let lines: [String]
                let expect: [Offer]
            }
            let cases: [Case]
        }
        for item in try Self.vector("challenges", as: Challenges.self).cases {
            let headers = item.lines.map { (name: "WWW-Authenticate", value: $0) }
            let answer = ServiceAnswer(status: 402, headers: headers, body: [])
            let expected = item.expect.first { $0.token != nil && $0.invoice != nil }
            if let expected {
                guard case .l402(let offer) = answer else {
                    Issue.record("\(item.name): \(answer)")
                    continue
                }
                #expect(offer.token == expected.token && offer.invoice == expected.invoice, "\(item.name)")
            } else {
                #expect(answer.provesChallenge != true, "\(item.name)")
            }
        }
    }
}
