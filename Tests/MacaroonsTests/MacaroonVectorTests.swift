// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import Macaroons
import Testing

struct MacaroonVectors: Decodable {
    struct Case: Decodable, CustomTestStringConvertible, Sendable {
        struct Step: Decodable, Sendable {
            let caveats: [String]
            let signatureHex: String
        }
        let name: String
        let kind: String
        let rootKeyHex: String?
        let identifierHex: String?
        let location: String?
        let caveats: [String]?
        let thirdPartyCaveatIndex: Int?
        let vidHex: String?
        let signatureHex: String?
        let signatureChainHex: [String]?
        let binaryV2Hex: String?
        let binaryV1Hex: String?
        let base64: String?
        let base64urlNoPad: String?
        let binaryHex: String?
        let exact: [String]?
        let stage: String?
        let verify: Bool?
        let steps: [Step]?
        var testDescription: String { name }

        var rootKey: [UInt8] { rootKeyHex.flatMap { Hex.decode($0) } ?? [] }
    }
    let cases: [Case]

    static func load(_ kind: String) -> [Case] {
        guard let url = Bundle.module.url(forResource: "macaroons", withExtension: "json", subdirectory: "Vectors"),
            let data = try? Data(contentsOf: url),
            let vectors = try? JSONDecoder().decode(MacaroonVectors.self, from: data)
        else { preconditionFailure("macaroons.json is part of the test bundle") }
        return vectors.cases.filter { $0.kind == kind }
    }
}

@Suite("Macaroon vectors")
struct MacaroonVectorTests {
    @Test("minting gives the published bytes and every link of the chain", arguments: MacaroonVectors.load("mint"))
    func mint(vector: MacaroonVectors.Case) throws {
        let identifier = try #require(vector.identifierHex.flatMap { Hex.decode($0) })
        var macaroon = Macaroon(rootKey: vector.rootKey, identifier: identifier, location: vector.location ?? "")
        var chain = [Hex.encode(macaroon.signature)]
        for (index, text) in (vector.caveats ?? []).enumerated() {
            if index == vector.thirdPartyCaveatIndex {
                let vid = try #require(vector.vidHex.flatMap { Hex.decode($0) })
                let published = try Macaroon(parsing: try #require(vector.binaryV2Hex.flatMap { Hex.decode($0) }))
                macaroon = macaroon.adding(
                    Caveat(
                        identifier: Array(text.utf8),
                        location: published.caveats[index].location,
                        verificationID: vid
                    )
                )
            } else {
                macaroon = macaroon.adding(caveat: text)
            }
            chain.append(Hex.encode(macaroon.signature))
        }
        #expect(chain == vector.signatureChainHex)
        #expect(chain.last == vector.signatureHex)
        if let binary = vector.binaryV2Hex {
            #expect(Hex.encode(macaroon.serialized()) == binary)
            #expect(Base64.encode(macaroon.serialized()) == vector.base64)
            let url = Base64.encode(macaroon.serialized(), alphabet: .urlSafe, padded: false)
            #expect(vector.base64urlNoPad == nil || url == vector.base64urlNoPad)
        }
        for binary in [vector.binaryV2Hex, vector.binaryV1Hex].compactMap({ $0 }) {
            let parsed = try Macaroon(parsing: try #require(Hex.decode(binary)))
            #expect(parsed == macaroon)
            #expect(parsed.isSigned(by: vector.rootKey))
            #expect(parsed.hasThirdPartyCaveat == (vector.thirdPartyCaveatIndex != nil))
        }
    }

    @Test("the chain of the libmacaroons README is reproduced", arguments: MacaroonVectors.load("chain"))
    func chain(vector: MacaroonVectors.Case) throws {
        let identifier = try #require(vector.identifierHex.flatMap { Hex.decode($0) })
        for step in try #require(vector.steps) {
            let macaroon = Macaroon(
                rootKey: vector.rootKey,
                identifier: identifier,
                location: vector.location ?? "",
                caveats: step.caveats
            )
            #expect(Hex.encode(macaroon.signature) == step.signatureHex)
        }
    }

    @Test("libmacaroons' verifier cases get the same answer", arguments: MacaroonVectors.load("verify"))
    func verify(vector: MacaroonVectors.Case) throws {
        let bytes = try #require(vector.binaryHex.flatMap { Hex.decode($0) })
        let macaroon = try Macaroon(parsing: bytes)
        let allowed = Set(vector.exact ?? [])
        let accepted =
            macaroon.isSigned(by: vector.rootKey)
            && macaroon.caveats.allSatisfy { $0.text.map(allowed.contains) ?? false }
        #expect(accepted == vector.verify)
    }

    @Test(
        "a malformed or altered macaroon is refused at the stage it should be",
        arguments: MacaroonVectors.load("reject")
    )
    func reject(vector: MacaroonVectors.Case) throws {
        let bytes = try #require(vector.binaryHex.flatMap { Hex.decode($0) })
        switch vector.stage {
        case "parse": #expect(throws: MacaroonError.self) { try Macaroon(parsing: bytes) }
        case "signature": #expect(try !Macaroon(parsing: bytes).isSigned(by: vector.rootKey))
        default: #expect(try Macaroon(parsing: bytes).isSigned(by: vector.rootKey))
        }
    }
}
