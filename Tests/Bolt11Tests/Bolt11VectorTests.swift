// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LightningPrimitives
import Secp256k1
import Testing

@testable import Bolt11

struct Bolt11Vectors: Decodable {
    struct Decoded: Decodable, Sendable {
        struct Hop: Decodable, Sendable {
            let pubkey: String
            let shortChannelId: String
            let feeBaseMsat: Int64
            let feePpm: UInt32
            let cltvDelta: UInt16
        }
        struct Fallback: Decodable, Sendable {
            let version: UInt8
            let programHex: String
        }
        let currency: String
        let amountMsat: Int64?
        let timestamp: Int64
        let expirySeconds: Int64
        let minFinalCltvExpiry: Int64
        let routes: [[Hop]]
        let fallbacks: [Fallback]
        let features: [Int]
        let unknownOrSkipped: Int
        let paymentSecret: String
        let paymentHash: String
        let description: String?
        let descriptionHash: String?
        let metadata: String?
        let payee: String
        let signatureRS: String
        let recoveryId: UInt8
        let signedDataHex: String
        let signedHashHex: String
    }
    struct Valid: Decodable, Sendable, CustomTestStringConvertible {
        let title: String
        let invoice: String
        let decoded: Decoded
        let rfc6979SignatureMatches: Bool
        var testDescription: String { title }
    }
    struct Invalid: Decodable, Sendable, CustomTestStringConvertible {
        let title: String
        let invoice: String
        let reject: String
        var testDescription: String { title }
    }
    let privateKeyHex: String
    let valid: [Valid]
    let invalid: [Invalid]

    static let shared: Bolt11Vectors = {
        guard let url = Bundle.module.url(forResource: "bolt11", withExtension: "json", subdirectory: "Vectors"),
            let data = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(Bolt11Vectors.self, from: data)
        else { preconditionFailure("the vectors are part of the test bundle") }
        return file
    }()
}

@Suite("BOLT 11 vectors")
struct Bolt11VectorTests {
    @Test("every field of a valid invoice is read", arguments: Bolt11Vectors.shared.valid)
    func valid(vector: Bolt11Vectors.Valid) throws {
        let invoice = try Bolt11Invoice(parsing: vector.invoice)
        let expected = vector.decoded
        #expect("ln" + invoice.network.currencyPrefix == expected.currency)
        #expect(invoice.amount?.msat == expected.amountMsat)
        #expect(invoice.contents.timestamp == expected.timestamp)
        #expect(invoice.contents.expirySeconds == expected.expirySeconds)
        #expect(invoice.contents.minFinalCLTVExpiryDelta == expected.minFinalCltvExpiry)
        #expect(invoice.contents.features == expected.features)
        #expect(invoice.skippedFields == expected.unknownOrSkipped)
        #expect(Hex.encode(invoice.paymentSecret) == expected.paymentSecret)
        #expect(invoice.paymentHash.hex == expected.paymentHash)
        #expect(invoice.description == expected.description)
        #expect(invoice.descriptionHash.map { Hex.encode($0) } == expected.descriptionHash)
        #expect(invoice.contents.metadata.map { Hex.encode($0) } == expected.metadata)
        #expect(invoice.payee.hex == expected.payee)
        #expect(Hex.encode(invoice.signature.compact) == expected.signatureRS)
        #expect(invoice.signature.recoveryID == expected.recoveryId)
        #expect(Hex.encode(invoice.signedData) == expected.signedDataHex)
        #expect(Hex.encode(invoice.signedHash) == expected.signedHashHex)
        #expect(invoice.contents.fallbacks.map(\.version) == expected.fallbacks.map(\.version))
        #expect(invoice.contents.fallbacks.map { Hex.encode($0.program) } == expected.fallbacks.map(\.programHex))
        for (hint, route) in zip(invoice.contents.routeHints, expected.routes) {
            #expect(hint.map(\.node.hex) == route.map(\.pubkey))
            #expect(hint.map(\.shortChannelID.description) == route.map(\.shortChannelId))
            #expect(hint.map(\.feeBase.msat) == route.map(\.feeBaseMsat))
            #expect(hint.map(\.feeRate) == route.map(\.feePpm))
            #expect(hint.map(\.cltvExpiryDelta) == route.map(\.cltvDelta))
        }
        #expect(invoice.contents.routeHints.count == expected.routes.count)
    }

    @Test("signing the same data reproduces the published text", arguments: Bolt11Vectors.shared.valid)
    func signing(vector: Bolt11Vectors.Valid) throws {
        let key = try #require(Hex.decode(Bolt11Vectors.shared.privateKeyHex).flatMap { SecretKey($0) })
        let (hrp, groups) = try Bech32.decode(vector.invoice)
        let signed = try Bolt11Invoice(hrp: hrp, signedGroups: Array(groups.dropLast(104)), key: key)
        #expect((signed.text == vector.invoice.lowercased()) == vector.rfc6979SignatureMatches)
    }

    @Test("an invalid invoice is refused for the right reason", arguments: Bolt11Vectors.shared.invalid)
    func invalid(vector: Bolt11Vectors.Invalid) throws {
        do {
            _ = try Bolt11Invoice(parsing: vector.invoice)
            Issue.record("accepted")
        } catch {
            #expect(error.code.rawValue == vector.reject)
        }
    }

    @Test("what is signed reads back the same, on every network", arguments: BitcoinNetwork.allCases)
    func roundTrip(network: BitcoinNetwork) throws {
        let key = SecretKey.random()
        for msat in [nil, 1, 10, 999, 1000, 100_000, 123_456_789, 100_000_000_000, 2_100_000_000_000_000_000]
            as [Int64?]
        {
            var contents = Bolt11Invoice.Contents(
                network: network,
                amount: msat.map { MilliSatoshi(msat: $0) },
                timestamp: 1_800_000_000,
                paymentHash: Preimage.random().paymentHash,
                paymentSecret: Preimage.random().bytes
            )
            contents.description = "one ☕"
            contents.expirySeconds = 600
            contents.minFinalCLTVExpiryDelta = 80
            contents.features = [8, 14, 17, 25]
            contents.namesPayee = msat == 1000
            contents.fallbacks = [.init(version: 17, program: [UInt8](repeating: 3, count: 20))]
            contents.routeHints = [
                [
                    .init(
                        node: key.publicKey.nodeID,
                        shortChannelID: ShortChannelID(rawValue: .max),
                        feeBase: MilliSatoshi(msat: 1),
                        feeRate: .max,
                        cltvExpiryDelta: 40
                    )
                ]
            ]
            let invoice = try Bolt11Invoice(signing: contents, with: key)
            #expect(invoice.contents == contents)
            #expect(invoice.payee == key.publicKey.nodeID)
            #expect(invoice.text.hasPrefix("ln\(network.currencyPrefix)"))
            #expect(invoice.expiresAt == 1_800_000_600)
        }
    }

    @Test("no truncation or changed character of an invoice is accepted as another payment")
    func hostile() throws {
        let text = Array(Bolt11Vectors.shared.valid[1].invoice.utf8)
        let original = try Bolt11Invoice(parsing: String(decoding: text, as: UTF8.self))
        for length in 0..<text.count {
            #expect(throws: Bolt11Error.self) {
                try Bolt11Invoice(parsing: String(decoding: text.prefix(length), as: UTF8.self))
            }
        }
        for index in text.indices {
            for bit in 0..<8 {
                var altered = text
                altered[index] ^= 1 << UInt8(bit)
                guard let invoice = try? Bolt11Invoice(parsing: String(decoding: altered, as: UTF8.self)) else {
                    continue
                }
                #expect(invoice.paymentHash == original.paymentHash && invoice.amount == original.amount)
            }
        }
    }

    @Test("random data with a valid checksum never crashes the reader")
    func random() {
        for _ in 0..<5000 {
            let groups = (0..<Int.random(in: 0..<300)).map { _ in UInt8.random(in: 0..<32) }
            let prefix =
                ["lnbc", "lntbs2500u", "lnbcrt9999999999999999999m", "ln", "lnbc10p", "lnsb1"].randomElement() ?? ""
            _ = try? Bolt11Invoice(parsing: Bech32.encode(hrp: Array(prefix.utf8), groups: groups))
        }
    }
}
