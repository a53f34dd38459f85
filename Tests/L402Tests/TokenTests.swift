// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import L402
import LightningPrimitives
import Macaroons
import Testing

@Suite("Tokens")
struct TokenTests {
    let ring: KeyRing
    let preimage = Preimage.random()
    let terms = TokenTerms(
        service: "assay",
        capabilities: ["profile"],
        validUntil: 2000,
        method: "GET",
        pathPrefix: "/api/profile"
    )

    init() throws { ring = try KeyRing(secret: [UInt8](repeating: 7, count: 32)) }

    func scope(path: String = "/api/profile/02ab", now: Int64 = 1000) -> RequestScope {
        RequestScope(service: "assay", capability: "profile", method: "GET", path: path, clientAddress: nil, now: now)
    }

    func code(_ credential: Credential, _ scope: RequestScope, ring: KeyRing? = nil, revoked: Bool = false) -> Refusal
        .Code?
    {
        do {
            _ = try (ring ?? self.ring).verify(credential, for: scope) { _ in revoked }
            return nil
        } catch {
            return error.code
        }
    }

    @Test("a minted token verifies for its own route and for nothing else")
    func ownRoute() throws {
        let credential = Credential(
            macaroon: ring.mint(paymentHash: preimage.paymentHash, terms: terms),
            preimage: preimage
        )
        let token = try ring.verify(credential, for: scope())
        #expect(token.identifier.paymentHash == preimage.paymentHash)
        #expect(token.limits.expiresAt == 2000)
        #expect(code(credential, scope(path: "/api/verdicts")) == .pathDenied)
        #expect(code(credential, scope(path: "/api/profile/../verdicts")) == .pathDenied)
        #expect(code(credential, scope(now: 2000)) == .expired)
        #expect(code(credential, scope(), revoked: true) == .revoked)
        let wrong = Credential(macaroon: credential.macaroon, preimage: .random())
        #expect(code(wrong, scope()) == .preimageMismatch)
    }

    @Test("two tokens for one invoice differ, and each has the epoch of the minting key")
    func tokenIDs() throws {
        let first = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        let second = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        #expect(first.identifier != second.identifier)
        #expect(L402Identifier(first.identifier)?.tokenID.epoch == 0)
    }

    @Test("a ring file with line ends of Windows is the same ring")
    func lineEnds() throws {
        let text =
            "# rotated\n3 verify \(String(repeating: "01", count: 32))\n4 mint \(String(repeating: "02", count: 32))\n"
        let ring = try KeyRing(parsing: text)
        let same = try KeyRing(parsing: text.replacing("\n", with: "\r\n"))
        let credential = Credential(
            macaroon: ring.mint(paymentHash: preimage.paymentHash, terms: terms),
            preimage: preimage
        )
        #expect(same.mintEpoch == 4)
        #expect(same.description == ring.description)
        #expect(code(credential, scope(), ring: same) == nil)
    }

    @Test("rotation keeps older tokens until their epoch is retired")
    func rotation() throws {
        let old = String(repeating: "01", count: 32)
        let new = String(repeating: "02", count: 32)
        let before = try KeyRing(parsing: "3 mint \(old)\n")
        let credential = Credential(
            macaroon: before.mint(paymentHash: preimage.paymentHash, terms: terms),
            preimage: preimage
        )
        let during = try KeyRing(parsing: "# rotated\n3 verify \(old)\n4 mint \(new)\n")
        let after = try KeyRing(parsing: "3 retired \(old)\n4 mint \(new)\n")
        #expect(during.mintEpoch == 4)
        #expect(code(credential, scope(), ring: during) == nil)
        #expect(code(credential, scope(), ring: after) == .unknownKey)
        #expect(code(credential, scope(), ring: try KeyRing(parsing: "3 mint \(new)")) == .badSignature)
    }

    @Test(
        "a broken ring file is refused without quoting its secrets",
        arguments: [
            "", "0 verify AA", "0 mint AA\n1 mint BB", "0 mint AA\n0 verify BB", "300 mint AA", "0 sign AA",
            "0 mint zz",
        ]
    )
    func badRing(text: String) {
        let secret = String(repeating: "a1", count: 32)
        let filled = text.replacing("AA", with: secret).replacing("BB", with: String(repeating: "b2", count: 32))
        do {
            _ = try KeyRing(parsing: filled)
            Issue.record("accepted")
        } catch {
            #expect(!error.description.contains("a1a1"))
        }
    }

    @Test("the challenge line has macaroon, invoice, version and token in the order clients need")
    func challengeLine() throws {
        let macaroon = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
        let challenge = Challenge(macaroon: macaroon, invoice: "lnbcrt1example")
        let token = Base64.encode(macaroon.serialized())
        #expect(
            challenge.headerValue
                == "L402 macaroon=\"\(token)\", invoice=\"lnbcrt1example\", version=\"0\", token=\"\(token)\""
        )
        #expect(ChallengeReader.read([challenge.headerValue]) == [.l402(token: token, invoice: "lnbcrt1example")])
    }

    @Test("a third-party caveat is refused")
    func thirdParty() {
        let macaroon = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
            .adding(Caveat(identifier: [1], location: "elsewhere", verificationID: [2]))
        #expect(code(Credential(macaroon: macaroon, preimage: preimage), scope()) == .thirdPartyCaveat)
    }

    @Test("usage limits admit exactly what they say")
    func usage() {
        #expect(UsageLimits(uses: 3).admits(usesSoFar: 2, satsSoFar: 0, priceSats: 1))
        #expect(!UsageLimits(uses: 3).admits(usesSoFar: 3, satsSoFar: 0, priceSats: 1))
        #expect(UsageLimits(sats: 3).admits(usesSoFar: 9, satsSoFar: 2, priceSats: 1))
        #expect(!UsageLimits(sats: 3).admits(usesSoFar: 0, satsSoFar: 3, priceSats: 1))
        #expect(!UsageLimits(sats: 3).admits(usesSoFar: 0, satsSoFar: .max, priceSats: 1))
    }
}
