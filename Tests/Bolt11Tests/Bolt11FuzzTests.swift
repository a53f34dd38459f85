// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import LightningPrimitives
import Secp256k1
import Testing

@testable import Bolt11

@Suite("BOLT 11 under hostile and odd input")
struct Bolt11FuzzTests {
    /// SplitMix64, so that a failing run can be repeated.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
            return mixed ^ mixed >> 31
        }
    }

    private static let key = SecretKey.random()

    private static func contents() -> Bolt11Invoice.Contents {
        var contents = Bolt11Invoice.Contents(
            network: .regtest,
            amount: .sat(1),
            timestamp: 1_800_000_000,
            paymentHash: Preimage.random().paymentHash,
            paymentSecret: Preimage.random().bytes
        )
        contents.description = "tea"
        return contents
    }

    /// Changes, drops, repeats or inserts a few groups.
    private func mutated(_ groups: [UInt8], _ generator: inout Generator) -> [UInt8] {
        var groups = groups
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let place = Int.random(in: 0..<groups.count, using: &generator)
            let group = UInt8.random(in: 0..<32, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0, 1: groups[place] = group
            case 2: groups.insert(group, at: place)
            default: groups.remove(at: place)
            }
        }
        return groups
    }

    @Test(
        "what survives a change under a valid checksum can be signed again as the same",
        arguments: 1...4 as ClosedRange
    )
    func changed(seed: UInt64) throws {
        var generator = Generator(state: seed)
        var accepted = 0
        for vector in Bolt11Vectors.shared.valid {
            let (hrp, groups) = try Bech32.decode(vector.invoice)
            for _ in 0..<25 {
                let text = Bech32.encode(hrp: hrp, groups: mutated(groups, &generator))
                let strict = try? Bolt11Invoice(parsing: text)
                let lenient = try? Bolt11Invoice(parsing: text, isLenient: true)
                if let strict { #expect(lenient == strict) }
                guard let lenient else { continue }
                accepted += 1
                let again = try Bolt11Invoice(signing: lenient.contents, with: Self.key)
                #expect(again.contents == lenient.contents, "\(text)")
            }
        }
        #expect(accepted > 25)
    }

    @Test("an amount of any size and unit is read exactly or refused", arguments: ["", "m", "u", "n", "p", "x", "mm"])
    func amounts(unit: String) throws {
        for digits in [
            "0", "01", "1", "9", "10", "21000000", "21000001", "2100000000000000000", "21000000000000000000",
        ]
            + ["9223372036854775807", "9223372036854775808", "99999999999999999999999999"]
        {
            let hrp = Array("lnbc\(digits)\(unit)".utf8)
            guard let amount = try? InvoiceAmount.read(hrp).amount else { continue }
            #expect(amount > .zero && amount <= .supply)
            let (_, again) = try InvoiceAmount.read(InvoiceAmount.write(.mainnet, amount))
            #expect(again == amount)
            #expect(unit.utf8.count <= 1 && unit != "x" && digits.first != "0")
        }
    }

    @Test("a lenient reader takes numbers with zeros in front, a strict one does not")
    func lenient() throws {
        var contents = Self.contents()
        contents.expirySeconds = 60
        let invoice = try Bolt11Invoice(signing: contents, with: Self.key)
        let (hrp, groups) = try Bech32.decode(invoice.text)
        // Field x (6) with the two groups of a minute.
        let minute: [UInt8] = [6, 0, 2, 1, 28]
        let place = try #require(groups.indices.first { groups[$0...].starts(with: minute) })
        var padded = groups
        padded.replaceSubrange(place..<place + minute.count, with: [6, 0, 3, 0, 1, 28])
        let text = Bech32.encode(hrp: hrp, groups: padded)
        // The signature is of other bytes now, and gives another payee; a strict reader does not come that far.
        #expect(throws: Bolt11Error(.badField, "")) { try Bolt11Invoice(parsing: text) }
        #expect(try Bolt11Invoice(parsing: text, isLenient: true).contents == invoice.contents)
    }

    @Test("values that do not fit their fields are refused, not cut")
    func unwritable() throws {
        let node = Self.key.publicKey.nodeID
        func hop(_ msat: Int64) -> Bolt11Invoice.Hop {
            .init(
                node: node,
                shortChannelID: ShortChannelID(rawValue: 1),
                feeBase: MilliSatoshi(msat: msat),
                feeRate: 1,
                cltvExpiryDelta: 1
            )
        }
        let changes: [(inout Bolt11Invoice.Contents) -> Void] = [
            { $0.routeHints = [[hop(1 << 32)]] }, { $0.routeHints = [[hop(-1)]] }, { $0.routeHints = [[]] },
            { $0.features = [-1] }, { $0.features = [.max] }, { $0.features = [5115] }, { $0.features = [100] },
            { $0.fallbacks = [.init(version: 255, program: [])] },
            { $0.fallbacks = [.init(version: 17, program: [1])] },
            { $0.expirySeconds = -1 }, { $0.minFinalCLTVExpiryDelta = .min }, { $0.descriptionHash = [1] },
            { $0.description = nil }, { $0.description = String(repeating: "x", count: 640) },
            { $0.paymentSecret = [] }, { $0.timestamp = -1 }, { $0.timestamp = 1 << 35 }, { $0.amount = .zero },
            { $0.amount = MilliSatoshi(msat: -1) }, { $0.amount = MilliSatoshi(msat: .max) },
            { $0.metadata = [UInt8](repeating: 1, count: 640) },
        ]
        for (number, change) in changes.enumerated() {
            var contents = Self.contents()
            change(&contents)
            #expect(throws: Bolt11Error.self, "change \(number)") {
                try Bolt11Invoice(signing: contents, with: Self.key)
            }
        }
    }

    @Test("extreme values that do fit are read back as they were")
    func extremes() throws {
        var contents = Self.contents()
        contents.description = String(repeating: "x", count: 639)
        contents.expirySeconds = 0
        contents.minFinalCLTVExpiryDelta = 0
        contents.timestamp = (1 << 35) - 1
        contents.features = [99, 5114 / 2 * 2 - 1]
        contents.metadata = []
        let invoice = try Bolt11Invoice(signing: contents, with: Self.key)
        #expect(invoice.contents == contents)
        contents.expirySeconds = .max
        #expect(try Bolt11Invoice(signing: contents, with: Self.key).expiresAt == .max)
    }

    @Test("the first of a repeated field counts")
    func repeated() throws {
        var contents = Self.contents()
        contents.features = [9, 15]
        let invoice = try Bolt11Invoice(signing: contents, with: Self.key)
        let (hrp, groups) = try Bech32.decode(invoice.text)
        let other = Preimage.random().bytes
        let twice = Array(groups.dropLast(104)) + [1, 1, 20] + Bech32.groups(other) + [5, 0, 1, 16]
        let signed = try Bolt11Invoice(hrp: hrp, signedGroups: twice, key: Self.key)
        #expect(signed.paymentHash == invoice.paymentHash)
        #expect(signed.contents.features == [9, 15])
        #expect(signed.skippedFields == 2)
    }
}
