// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Macaroons
import Testing

@Suite("Macaroon reader under hostile input")
struct MacaroonFuzzTests {
    static let samples = MacaroonVectors.load("mint").flatMap { [$0.binaryV2Hex, $0.binaryV1Hex] }.compactMap { $0 }

    @Test("no truncation is read as a macaroon", arguments: samples)
    func truncation(hex: String) throws {
        let bytes = try #require(Hex.decode(hex))
        for length in 0..<bytes.count {
            #expect(throws: MacaroonError.self) { try Macaroon(parsing: Array(bytes.prefix(length))) }
        }
    }

    @Test("no flipped bit leaves a valid signature over other content", arguments: MacaroonVectors.load("mint"))
    func bitFlips(vector: MacaroonVectors.Case) throws {
        guard let bytes = vector.binaryV2Hex.flatMap({ Hex.decode($0) }) else { return }
        let original = try Macaroon(parsing: bytes)
        for index in bytes.indices {
            for bit in 0..<8 {
                var altered = bytes
                altered[index] ^= 1 << UInt8(bit)
                guard let macaroon = try? Macaroon(parsing: altered) else { continue }
                // Locations are hints that the signature does not cover; everything else must fail.
                let sameContent =
                    macaroon.identifier == original.identifier
                    && macaroon.caveats.map(\.identifier) == original.caveats.map(\.identifier)
                    && macaroon.caveats.map(\.verificationID) == original.caveats.map(\.verificationID)
                    && macaroon.signature == original.signature
                #expect(sameContent || !macaroon.isSigned(by: vector.rootKey))
            }
        }
    }

    @Test("random bytes never crash the reader, and what it reads it writes back")
    func randomBytes() throws {
        var generator = SystemRandomNumberGenerator()
        for round in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0..<80)).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            if !bytes.isEmpty, round.isMultiple(of: 2) { bytes[0] = 2 }
            guard let macaroon = try? Macaroon(parsing: bytes) else { continue }
            #expect(try Macaroon(parsing: macaroon.serialized()) == macaroon)
        }
    }

    @Test("an empty location is left out: one macaroon has one text")
    func emptyLocation() throws {
        let macaroon = Macaroon(rootKey: [1], identifier: [2], caveats: ["a=b"])
        let written = macaroon.serialized()
        #expect(try Macaroon(parsing: written) == macaroon)
        #expect(throws: MacaroonError.self) {
            try Macaroon(parsing: [2, 1, 0] + written.dropFirst())
        }
    }

    @Test("a macaroon over a limit is refused")
    func limits() throws {
        let macaroon = Macaroon(rootKey: [1], identifier: [2], caveats: Array(repeating: "a=b", count: 65))
        #expect(throws: MacaroonError.self) { try Macaroon(parsing: macaroon.serialized()) }
        let long = Macaroon(rootKey: [1], identifier: [2], caveats: [String(repeating: "x", count: 1025)])
        #expect(throws: MacaroonError.self) { try Macaroon(parsing: long.serialized()) }
        #expect(throws: MacaroonError.self) { try Macaroon(parsing: [UInt8](repeating: 2, count: 4097)) }
    }

    @Test("narrowing by a holder verifies, and taking a caveat away does not")
    func narrowing() {
        let minted = Macaroon(rootKey: [7], identifier: [1, 2, 3], caveats: ["services=assay:0"])
        let narrowed = minted.adding(caveat: "n_uses=1")
        #expect(narrowed.isSigned(by: [7]))
        #expect(!narrowed.isSigned(by: [8]))
        #expect(!"\(narrowed)".contains(Hex.encode(narrowed.signature).prefix(6)))
    }
}
