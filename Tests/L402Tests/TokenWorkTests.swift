// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import IPAddresses
import L402
import LightningPrimitives
import Macaroons
import Testing

@Suite("Working with tokens at hand")
struct TokenWorkTests {
    let ring: KeyRing
    let preimage = Preimage.random()
    let macaroon: Macaroon

    init() throws {
        ring = try KeyRing(secret: [UInt8](repeating: 5, count: 32))
        let terms = TokenTerms(service: "assay", capabilities: ["profile", "top"], validUntil: 2000, uses: 10)
        macaroon = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
    }

    func token(_ macaroon: Macaroon? = nil) throws -> TokenText {
        try #require(TokenText("\((macaroon ?? self.macaroon).token):\(preimage.hex)"))
    }

    @Test("a token is read from every text a person may have at hand")
    func texts() throws {
        let bare = macaroon.token
        let urlSafe = Base64.encode(macaroon.serialized(), alphabet: .urlSafe, padded: false)
        let challenge = Challenge(macaroon: macaroon, invoice: "lnbc1").headerValue
        for text in [bare, urlSafe, " \(bare)\t", "L402 \(bare)", "lsat  \(urlSafe)", challenge] {
            let token = try #require(TokenText(text))
            #expect(token.macaroon == macaroon)
            #expect(token.preimage == nil)
            #expect(token.version == 2)
        }
        for text in ["\(bare):\(preimage.hex)", "L402 L402 \(urlSafe):\(preimage.hex.uppercased())"] {
            let token = try #require(TokenText(text))
            #expect(token.macaroon == macaroon)
            #expect(token.preimage == preimage)
        }
        let broken = ["", "L402", ":", bare + ":", bare + ":00", "\(bare):\(preimage.hex):", "a \(bare)", preimage.hex]
        for text in broken { #expect(TokenText(text) == nil) }
        for length in 0..<bare.count { #expect(TokenText(String(bare.prefix(length))) == nil) }
    }

    @Test("a token never prints its preimage")
    func secrecy() throws {
        let carried = macaroon.adding(caveat: "preimage=\(preimage.hex)").adding(caveat: " preimage = \(preimage.hex)")
        let token = try token(carried)
        let summary = TokenSummary(token)
        let question = TokenQuestion(service: "assay", now: 1)
        let checks = ring.examine(carried, preimage: preimage, for: question)
        #expect(!"\(token)\(summary)\(checks)".contains(preimage.hex.prefix(16)))
        #expect(summary.isPreimageRight == true)
    }

    @Test("a summary explains every caveat and shows its chains")
    func summary() throws {
        let narrowed = macaroon.adding(caveat: "n_uses=3").adding(caveat: "n_uses=4").adding(caveat: "note=hello")
            .adding(caveat: "free text").adding(caveat: "assay_new=1").adding(caveat: "evil=\u{1B}[2J\u{202E}")
            .adding(Caveat(identifier: [1], location: "x", verificationID: [2]))
        let summary = TokenSummary(try token(narrowed))
        #expect(summary.service == "assay")
        #expect(summary.location == "assay")
        #expect(summary.identifier?.paymentHash == preimage.paymentHash)
        #expect(
            summary.caveats.map(\.problem) == [
                nil, nil, nil, nil, nil, .widened, nil, .badCaveat, .unknownOwnCaveat, nil, .thirdPartyCaveat,
            ]
        )
        #expect(summary.caveats.map(\.supersededBy) == [nil, nil, nil, 5, nil, nil, nil, nil, nil, nil, nil])
        #expect(summary.caveats[0].meaning == "only for assay up to tier 0")
        #expect(summary.caveats[1].meaning == "only for the capabilities profile, top")
        #expect(summary.caveats[2].meaning == "until 1970-01-01T00:33:20Z")
        #expect(summary.caveats[4].meaning == "at most 3 requests, those of tokens narrowed from here included")
        #expect(summary.caveats[9].caveat == "evil=\\u{1b}[2J\\u{202e}")
    }

    @Test("a token is narrowed without the key, and the gate accepts it for less")
    func narrowing() throws {
        let caveats = ["n_uses=2", "path_prefix=/api/profile", "method=GET", "assay_valid_until=1500", "other=1"]
        let narrowed = try macaroon.narrowed(by: caveats)
        #expect(narrowed.caveats.compactMap(\.text).suffix(5) == caveats[...])
        let credential = Credential(macaroon: narrowed, preimage: preimage)
        var scope = RequestScope(
            service: "assay",
            capability: "profile",
            method: "GET",
            path: "/api/profile/1",
            clientAddress: nil,
            now: 1499
        )
        #expect(try ring.verify(credential, for: scope).limits.uses == 2)
        scope.now = 1500
        #expect(throws: Refusal(.expired)) { try ring.verify(credential, for: scope) }
    }

    @Test(
        "a caveat that would widen the token or that no gate could evaluate is refused",
        arguments: [
            ["n_uses=11"], ["n_uses=2", "n_uses=3"], ["services=assay:1"], ["services=other:0"],
            ["assay_valid_until=2001"], ["assay_capabilities=profile,more"], ["free text"], ["n_uses=0"],
            ["path_prefix=api"], ["ip=everywhere"], ["assay_unknown=1"], ["method="],
            ["x=" + String(repeating: "y", count: 1024)],
            [String](repeating: "a=b", count: 61),
        ]
    )
    func widening(caveats: [String]) {
        #expect(throws: NarrowingRefused.self) { try macaroon.narrowed(by: caveats) }
    }

    @Test("an expiry is narrowed in the condition the token has")
    func expiry() throws {
        #expect(macaroon.expiryCondition == "assay_valid_until")
        #expect(Macaroon(rootKey: [1], identifier: [2]).expiryCondition == "valid_until")
        let other = Macaroon(rootKey: [1], identifier: [2], caveats: ["services=shop:1", "shop_valid_until=9"])
        #expect(other.serviceName == "shop")
        #expect(other.expiryCondition == "shop_valid_until")
    }

    @Test("an examination passes a good token and skips what it cannot know")
    func examination() throws {
        let question = TokenQuestion(service: "assay", now: 1999)
        let checks = ring.examine(macaroon, preimage: nil, for: question)
        #expect(checks.map(\.name).prefix(5) == ["identifier", "key", "signature", "third_party", "preimage"])
        let skipped = checks.filter { $0.outcome == .skipped }.map(\.name)
        #expect(skipped == ["preimage", "assay_capabilities", "n_uses"])
        #expect(checks.filter { $0.outcome == .passed }.count == checks.count - 3)
    }

    @Test("the first failure of an examination is the code the gate would answer with")
    func agreement() throws {
        let extra: [[String]] = [
            [], ["n_uses=11"], ["free"], ["assay_x=1"], ["method=POST"], ["path_prefix=/other"], ["ip=10.0.0.0/8"],
            ["services=assay:9"], ["valid_until=5", "method=POST"], ["method=POST", "free", "n_uses=99"], ["note=1"],
            ["assay_capabilities="], ["method=PUT", "ip=192.0.2.1"],
        ]
        let otherRing = try KeyRing(secret: [UInt8](repeating: 6, count: 32))
        let laterRing = try KeyRing(parsing: "1 mint \(String(repeating: "ab", count: 32))")
        var codes: Set<Refusal.Code?> = []
        for ring in [ring, otherRing, laterRing] {
            for proof in [preimage, .random()] {
                for caveats in extra {
                    for (service, tier, now) in [("assay", 0, Int64(1000)), ("assay", 1, 1000), ("shop", 0, 3000)] {
                        let token = caveats.reduce(macaroon) { $0.adding(caveat: $1) }
                        let address = IPAddress("192.0.2.7")
                        let scope = RequestScope(
                            service: service,
                            tier: tier,
                            capability: "profile",
                            method: "GET",
                            path: "/api/profile",
                            clientAddress: address,
                            now: now
                        )
                        var code: Refusal.Code?
                        do {
                            _ = try ring.verify(Credential(macaroon: token, preimage: proof), for: scope)
                        } catch {
                            code = error.code
                        }
                        let question = TokenQuestion(
                            service: service,
                            tier: tier,
                            capability: "profile",
                            method: "GET",
                            path: "/api/profile",
                            clientAddress: address,
                            now: now
                        )
                        let failed = ring.examine(token, preimage: proof, for: question).compactMap { check in
                            if case .failed(let code) = check.outcome { code } else { nil }
                        }
                        #expect(failed.first == code, "\(caveats) \(service) \(tier)")
                        codes.insert(code)
                    }
                }
            }
        }
        #expect(codes.count >= 12)
    }

    @Test("an identifier of another application ends the examination")
    func foreign() {
        let foreign = Macaroon(rootKey: [1], identifier: Array("mine".utf8))
        let checks = ring.examine(foreign, preimage: nil, for: TokenQuestion(service: "assay", now: 0))
        #expect(checks.map(\.outcome) == [.failed(.unknownVersion)])
    }
}
