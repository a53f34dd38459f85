// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import L402
import LightningPrimitives
import PaymentAuthentication
import Testing

@Suite("Charges")
struct PaymentChargeTests {
    let secret = PaymentChallengeSecret([UInt8](repeating: 3, count: 32))
    let preimage = Preimage.random()
    let binding = PaymentBinding(service: "assay", tier: 1, method: "POST", route: "/api/verdicts", body: [1, 2])
    let now: Int64 = 1_800_000_000

    var request: ChargeRequest {
        ChargeRequest(
            sats: 5,
            invoice: "lnbcrt50n1p",
            network: .regtest,
            paymentHash: preimage.paymentHash,
            description: "Q&A <é>"
        )
    }

    func challenge(binding: PaymentBinding? = nil) throws -> PaymentChallenge {
        try #require(
            secret.challenge(realm: "assay", request: request, binding: binding ?? self.binding, now: now)
        )
    }

    func refusal(
        _ challenge: PaymentChallenge,
        preimage: Preimage? = nil,
        binding: PaymentBinding? = nil,
        after seconds: Int64 = 0,
        secret: PaymentChallengeSecret? = nil
    ) -> PaymentRefusal? {
        do {
            let credential = PaymentCredential(challenge: challenge, preimage: preimage ?? self.preimage)
            _ = try (secret ?? self.secret).verify(credential, binding: binding ?? self.binding, now: now + seconds)
            return nil
        } catch {
            return error
        }
    }

    /// The challenge with other parameters, and the id that our secret gives them.
    func resigned(
        method: String = "lightning",
        intent: String = "charge",
        request: String? = nil,
        expires: String? = "2099-01-01T00:00:00Z",
        opaque: String? = nil
    ) throws -> PaymentChallenge {
        func make(id: String) throws -> PaymentChallenge {
            try #require(
                PaymentChallenge(
                    id: id,
                    realm: "assay",
                    method: method,
                    intent: intent,
                    request: request ?? self.request.parameter,
                    expires: expires,
                    opaque: opaque ?? binding.parameter
                )
            )
        }
        return try make(id: secret.id(for: make(id: "draft")))
    }

    @Test("a paid challenge, presented as the header carries it, pays for its request")
    func pays() throws {
        let offered = try challenge()
        let line = "L402 macaroon=\"AA\", invoice=\"lnbc\", version=\"0\", token=\"AA\", " + offered.headerValue
        let received = try #require(PaymentChallenge.read([line]).first)
        #expect(received == offered)
        #expect(ChargeRequest(parameter: received.request) == request)
        let credential = PaymentCredential(challenge: received, preimage: preimage, source: "me")
        guard case .credential(let read) = PaymentCredentialReader.read([credential.headerValue]) else {
            Issue.record("the credential was not read")
            return
        }
        #expect(read == credential)
        let payment = try secret.verify(read, binding: binding, now: now)
        #expect(payment.paymentHash == preimage.paymentHash)
        #expect(payment.sats == 5)
        #expect(payment.challengeID == offered.id)
        #expect(payment.expires == now + 900)
    }

    @Test("each fault has its own refusal")
    func refusals() throws {
        let offered = try challenge()
        #expect(refusal(offered, after: 899) == nil)
        #expect(refusal(offered, after: 900) == .expired)
        #expect(refusal(offered, secret: PaymentChallengeSecret([1])) == .unknownChallenge)
        #expect(refusal(offered, preimage: .random()) == .preimageMismatch)
        #expect(refusal(try resigned()) == nil)
        #expect(refusal(try resigned(expires: nil)) == .noExpiry)
        #expect(refusal(try resigned(expires: "tomorrow")) == .noExpiry)
        #expect(refusal(try resigned(expires: "2099-13-01T00:00:00Z")) == .noExpiry)
        #expect(refusal(try resigned(method: "card")) == .unsupportedMethod)
        #expect(refusal(try resigned(intent: "session")) == .unsupportedIntent)
        #expect(refusal(try resigned(opaque: "")) == .otherRequest)
        #expect(refusal(try resigned(request: "e30")) == .unreadableRequest)
    }

    @Test("a payload without a preimage is refused, and the credential never shows what it holds")
    func payload() throws {
        let json = """
            {"challenge":\(try echo(challenge())),"payload":{"preimage":"\(preimage.hex.dropLast())"}}
            """
        let line = "Payment " + Base64.encode(json.utf8, alphabet: .urlSafe, padded: false)
        guard case .credential(let credential) = PaymentCredentialReader.read([line]) else {
            Issue.record("the credential was not read")
            return
        }
        #expect(throws: PaymentRefusal.unreadablePreimage) {
            try secret.verify(credential, binding: binding, now: now)
        }
        var dumped = ""
        dump(credential, to: &dumped)
        dump(secret, to: &dumped)
        #expect(!"\(credential)\(secret)\(String(reflecting: credential))\(dumped)".contains(preimage.hex.prefix(16)))
    }

    private func echo(_ challenge: PaymentChallenge) throws -> String {
        let value = JSONValue.object([
            "id": .string(challenge.id), "realm": .string(challenge.realm), "method": .string(challenge.method),
            "intent": .string(challenge.intent), "request": .string(challenge.request),
            "expires": .string(try #require(challenge.expires)), "opaque": .string(try #require(challenge.opaque)),
        ])
        return CanonicalJSON.text(value)
    }

    @Test(
        "a charge pays for its own service, tier, method, route and body only",
        arguments: [
            PaymentBinding(service: "other", tier: 1, method: "POST", route: "/api/verdicts", body: [1, 2]),
            PaymentBinding(service: "assay", tier: 2, method: "POST", route: "/api/verdicts", body: [1, 2]),
            PaymentBinding(service: "assay", tier: 1, method: "GET", route: "/api/verdicts", body: [1, 2]),
            PaymentBinding(service: "assay", tier: 1, method: "POST", route: "/api/other", body: [1, 2]),
            PaymentBinding(service: "assay", tier: 1, method: "POST", route: "/api/verdicts", body: [1, 3]),
            PaymentBinding(service: "assay", tier: 1, method: "POST", route: "/api/verdicts"),
        ]
    )
    func bindings(other: PaymentBinding) throws {
        #expect(refusal(try challenge(binding: other)) == .otherRequest)
        #expect(refusal(try challenge(), binding: other) == .otherRequest)
    }

    @Test("the binding is canonical JSON")
    func bindingForm() throws {
        let bytes = try #require(Base64.decode(binding.parameter, alphabet: .urlSafe, padding: .forbidden))
        let hash = "a12871fee210fb8619291eaea194581cbd2531e4b23759d225f6806923f63222"
        let expected = #"{"b":"\#(hash)","m":"POST","p":"/api/verdicts","s":"assay","t":1}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test("a realm that could be split differently is never signed, nor is a split one believed")
    func pipes() throws {
        #expect(secret.challenge(realm: "a|b", request: request, binding: binding, now: now) == nil)
        #expect(secret.challenge(realm: "", request: request, binding: binding, now: now) == nil)
        #expect(secret.challenge(realm: "a\nb", request: request, binding: binding, now: now) == nil)
        let draft = try #require(
            PaymentChallenge(
                id: "x",
                realm: "a|b",
                method: "lightning",
                intent: "charge",
                request: request.parameter,
                expires: "2099-01-01T00:00:00Z",
                opaque: binding.parameter
            )
        )
        let signed = try #require(
            PaymentChallenge(
                id: secret.id(for: draft),
                realm: draft.realm,
                method: draft.method,
                intent: draft.intent,
                request: draft.request,
                expires: draft.expires,
                opaque: draft.opaque
            )
        )
        #expect(refusal(signed) == .unknownChallenge)
    }

    @Test(
        "an amount is a positive whole number of satoshi without leading zeros",
        arguments: ["0", "-1", "01", "1.5", "1e3", "", " 1", "+1", "99999999999999999"]
    )
    func amounts(amount: String) {
        let json = """
            {"amount":"\(amount)","currency":"sat","methodDetails":\
            {"invoice":"x","network":"mainnet","paymentHash":"\(preimage.paymentHash.hex)"}}
            """
        let parameter = Base64.encode(json.utf8, alphabet: .urlSafe, padded: false)
        #expect(ChargeRequest(parameter: parameter) == nil)
    }

    @Test("every refusal has a problem code, and only an unreadable proof is the client's mistake")
    func codes() {
        for refusal in PaymentRefusal.allCases {
            #expect((Refusal(refusal.code).remedy == .fixCredential) == (refusal == .unreadablePreimage))
        }
    }
}
