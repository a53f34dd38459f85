// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto

/// The request that a charge pays for: what a challenge is bound to through its `opaque` parameter.
///
/// Without it a cheap charge would open an expensive route of the same realm.
public struct PaymentBinding: Sendable, Hashable {
    public let service: String
    /// The tier bought, 0 to 255.
    public let tier: Int
    /// The request's method, upper case.
    public let method: String
    /// The route's template, such as `/api/profile/{id}`.
    public let route: String
    /// SHA-256 of the request's body in hexadecimal; empty when there is no body.
    public let bodyHash: String

    /// Binds to a request.
    public init(service: String, tier: Int = 0, method: String, route: String, body: some Collection<UInt8> = []) {
        self.service = service
        self.tier = tier
        self.method = method
        self.route = route
        self.bodyHash = body.isEmpty ? "" : Hex.encode(Array(SHA256.hash(data: Array(body))))
    }

    /// Binds to a request whose body is known by its SHA-256; empty when there is no body.
    public init(service: String, tier: Int, method: String, route: String, bodyDigest: [UInt8]) {
        self.service = service
        self.tier = tier
        self.method = method
        self.route = route
        bodyHash = Hex.encode(bodyDigest)
    }

    /// The `opaque` parameter: canonical JSON in base64url without padding.
    public var parameter: String {
        let value = JSONValue.object([
            "s": .string(service), "t": .number(Double(tier)), "m": .string(method), "p": .string(route),
            "b": .string(bodyHash),
        ])
        return Base64.encode(CanonicalJSON.text(value).utf8, alphabet: .urlSafe, padded: false)
    }
}
