// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import IPAddresses
import L402
import LightningPrimitives
import Macaroons
import Testing

struct VectorFile<Case: Decodable>: Decodable { let cases: [Case] }

func vectors<Case: Decodable>(_ name: String, of type: Case.Type) -> [Case] {
    guard let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"),
        let data = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(VectorFile<Case>.self, from: data)
    else { preconditionFailure("\(name).json is part of the test bundle") }
    return file.cases
}

struct AuthorizationCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Expectation: Decodable, Sendable {
        let result: String
        let macaroonHex: String?
        let preimageHex: String?
    }
    let name: String
    let headers: [[String]]
    let expect: Expectation
    var testDescription: String { name }
}

struct ChallengeCase: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let lines: [String]
    let expect: [[String: String]]
    var testDescription: String { name }
}

struct CaveatCase: Decodable, Sendable, CustomTestStringConvertible {
    struct Context: Decodable, Sendable {
        let usesSoFar: Int64
        let satsSoFar: Int64
        let priceSats: Int64
        let service: String
        let tier: Int
        let capability: String
        let method: String
        let path: String
        let now: Int64
        let clientIP: String
    }
    let name: String
    let caveats: [String]
    let context: Context
    let accept: Bool
    let code: String
    var testDescription: String { name }
}

@Suite("L402 vectors")
struct L402VectorTests {
    @Test(
        "a credential is read out of the headers, or refused",
        arguments: vectors("authorization", of: AuthorizationCase.self)
    )
    func authorization(vector: AuthorizationCase) throws {
        let reading = CredentialReader.read { name in
            vector.headers.filter { $0[0].lowercased() == name }.map { $0[1] }
        }
        switch vector.expect.result {
        case "none": #expect(reading == .none)
        case "malformed": #expect(reading == .malformed)
        case "too_large": #expect(reading == .tooLarge)
        default:
            guard case .credential(let credential) = reading else {
                Issue.record("no credential read: \(reading)")
                return
            }
            let expected = try Macaroon(parsing: try #require(vector.expect.macaroonHex.flatMap { Hex.decode($0) }))
            #expect(credential.macaroon == expected)
            #expect(credential.preimage.hex == vector.expect.preimageHex)
        }
    }

    @Test("a challenge of another server is read", arguments: vectors("challenges", of: ChallengeCase.self))
    func challenges(vector: ChallengeCase) {
        let offers = ChallengeReader.read(vector.lines)
        let expected = vector.expect.map { offer -> OfferedChallenge in
            guard offer["scheme"] == "L402" else { return .payment(offer.filter { $0.key != "scheme" }) }
            return .l402(token: offer["token"] ?? "", invoice: offer["invoice"] ?? "")
        }
        #expect(offers == expected)
    }

    @Test("caveats admit or refuse a request", arguments: vectors("caveats", of: CaveatCase.self))
    func caveats(vector: CaveatCase) throws {
        let context = vector.context
        let scope = RequestScope(
            service: context.service,
            tier: context.tier,
            capability: context.capability,
            method: context.method,
            path: context.path,
            clientAddress: IPAddress(context.clientIP),
            now: context.now
        )
        var code = ""
        do {
            let limits = try CaveatChecker.check(vector.caveats.map { Caveat(identifier: Array($0.utf8)) }, scope)
            if !limits.admits(usesSoFar: context.usesSoFar, satsSoFar: context.satsSoFar, priceSats: context.priceSats)
            {
                code = Refusal.Code.exhausted.rawValue
            }
        } catch {
            code = error.code.rawValue
        }
        #expect(code == vector.code)
        #expect(code.isEmpty == vector.accept)
    }
}
