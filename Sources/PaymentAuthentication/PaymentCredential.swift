// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives

/// What a payer presents: the challenge as it was received, and the proof of payment.
///
/// It shows itself as `[redacted]` wherever Swift would print, dump or mirror it.
public struct PaymentCredential: Sendable, Hashable, CustomStringConvertible, CustomReflectable {
    /// The challenge echoed by the payer: nothing in it is to be believed before its id is verified.
    public let challenge: PaymentChallenge
    /// Who pays, in the payer's words; not verified.
    public let source: String?
    /// The proof: an object whose members depend on method and intent.
    public let payload: [String: JSONValue]

    /// Answers a Lightning charge with the preimage of its invoice.
    public init(challenge: PaymentChallenge, preimage: Preimage, source: String? = nil) {
        self.init(challenge: challenge, source: source, payload: ["preimage": .string(preimage.hex)])
    }

    init(challenge: PaymentChallenge, source: String?, payload: [String: JSONValue]) {
        self.challenge = challenge
        self.source = source
        self.payload = payload
    }

    /// The preimage of a charge, or `nil` when the payload has none of 64 hexadecimal digits.
    public var preimage: Preimage? { payload["preimage"]?.text.flatMap { Preimage(hex: $0) } }

    /// The value of the `Authorization` line: a secret.
    public var headerValue: String {
        var echo: [String: JSONValue] = [
            "id": .string(challenge.id), "realm": .string(challenge.realm), "method": .string(challenge.method),
            "intent": .string(challenge.intent), "request": .string(challenge.request),
        ]
        echo["expires"] = challenge.expires.map(JSONValue.string)
        echo["digest"] = challenge.digest.map(JSONValue.string)
        echo["description"] = challenge.description.map(JSONValue.string)
        echo["opaque"] = challenge.opaque.map(JSONValue.string)
        var members: [String: JSONValue] = ["challenge": .object(echo), "payload": .object(payload)]
        members["source"] = source.map(JSONValue.string)
        let text = CanonicalJSON.text(.object(members))
        return "Payment " + Base64.encode(text.utf8, alphabet: .urlSafe, padded: false)
    }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension PaymentCredential {
    /// Reads the JSON text, or returns `nil` when it is not a credential.
    init?(json: [UInt8]) {
        guard let wire = CanonicalJSON.decode(Wire.self, from: json),
            let challenge = PaymentChallenge(
                id: wire.challenge.id,
                realm: wire.challenge.realm,
                method: wire.challenge.method,
                intent: wire.challenge.intent,
                request: wire.challenge.request,
                expires: wire.challenge.expires,
                digest: wire.challenge.digest,
                description: wire.challenge.description,
                opaque: wire.challenge.opaque
            )
        else { return nil }
        self.init(challenge: challenge, source: wire.source, payload: wire.payload)
    }

    private struct Wire: Decodable {
        struct Challenge: Decodable {
            let id: String
            let realm: String
            let method: String
            let intent: String
            let request: String
            let expires: String?
            let digest: String?
            let description: String?
            let opaque: String?
        }
        let challenge: Challenge
        let source: String?
        let payload: [String: JSONValue]
    }
}
