// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import LightningPrimitives

/// The secret that makes and recognises the ids of our own challenges, so that no challenge has to be stored.
///
/// It shows itself as `[redacted]` wherever Swift would print, dump or mirror it.
public struct PaymentChallengeSecret: Sendable, CustomStringConvertible, CustomReflectable {
    private let key: SymmetricKey

    /// Takes the secret's bytes; 32 random ones are right.
    public init(_ bytes: [UInt8]) { key = SymmetricKey(data: bytes) }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }

    /// How long a challenge can be answered, in seconds.
    public static let defaultLifetime: Int64 = 900

    /// Makes the challenge for a charge.
    ///
    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - lifetime: seconds until the challenge ends.
    ///   - description: for a person to read; not authenticated.
    /// - Returns: `nil` when the realm is empty or holds a `|`, which would make two challenges share an id, or when a
    ///   text holds a control character.
    public func challenge(
        realm: String,
        request: ChargeRequest,
        binding: PaymentBinding,
        now: Int64,
        lifetime: Int64 = defaultLifetime,
        digest: String? = nil,
        description: String? = nil
    ) -> PaymentChallenge? {
        func challenge(id: String) -> PaymentChallenge? {
            PaymentChallenge(
                id: id,
                realm: realm,
                method: "lightning",
                intent: "charge",
                request: request.parameter,
                expires: Timestamp.text(now + lifetime),
                digest: digest,
                description: description,
                opaque: binding.parameter
            )
        }
        // The id authenticates everything else, so it is made from a draft without it.
        guard let draft = challenge(id: "draft"), !draft.slots.contains(where: { $0.contains("|") }) else { return nil }
        return challenge(id: id(for: draft))
    }

    /// The id of a challenge's other parameters: HMAC-SHA256 over the seven slots, in base64url without padding.
    public func id(for challenge: PaymentChallenge) -> String {
        let message = Array(challenge.slots.joined(separator: "|").utf8)
        let code = Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        return Base64.encode(code, alphabet: .urlSafe, padded: false)
    }

    /// Verifies a credential for a request: the id over the echoed values, expiry, method and intent, the binding and
    /// the preimage, in this order.
    ///
    /// That a payment hash is spent only once is the ledger's to see to.
    /// - Parameter now: Unix seconds.
    /// - Throws: ``PaymentRefusal``, the first check that fails.
    public func verify(_ credential: PaymentCredential, binding: PaymentBinding, now: Int64) throws(PaymentRefusal)
        -> VerifiedPayment
    {
        let challenge = credential.challenge
        // We never sign a slot with the separator in it: such an echo is another challenge, split differently.
        guard !challenge.slots.contains(where: { $0.contains("|") }),
            constantTimeEqual(id(for: challenge).utf8, challenge.id.utf8)
        else { throw .unknownChallenge }
        guard let expires = challenge.expires.flatMap(Timestamp.unixTime) else { throw .noExpiry }
        guard now < expires else { throw .expired }
        guard challenge.method == "lightning" else { throw .unsupportedMethod }
        guard challenge.intent == "charge" else { throw .unsupportedIntent }
        guard challenge.opaque == binding.parameter else { throw .otherRequest }
        guard let request = ChargeRequest(parameter: challenge.request) else { throw .unreadableRequest }
        guard let preimage = credential.preimage else { throw .unreadablePreimage }
        guard preimage.paymentHash == request.paymentHash else { throw .preimageMismatch }
        return VerifiedPayment(
            paymentHash: request.paymentHash,
            sats: request.sats,
            challengeID: challenge.id,
            expires: expires
        )
    }
}

extension PaymentChallenge {
    /// What the id covers, in order; parameters that are absent count as empty.
    fileprivate var slots: [String] {
        [realm, method, intent, request, expires ?? "", digest ?? "", opaque ?? ""]
    }
}

/// A charge that was paid for the request at hand; what is left to check is that it was not spent before.
public struct VerifiedPayment: Sendable, Hashable {
    public let paymentHash: PaymentHash
    /// The price in whole satoshi.
    public let sats: Int64
    /// The id of the challenge, for the receipt.
    public let challengeID: String
    /// When the challenge ends, in Unix seconds; the ledger remembers the spent hash at least an hour longer.
    public let expires: Int64
}
