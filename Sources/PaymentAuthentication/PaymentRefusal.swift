// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import L402

/// Why a Payment credential does not pay for a request.
public enum PaymentRefusal: String, Error, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// The id does not belong to the echoed values: not our challenge, or altered.
    case unknownChallenge = "unknown_challenge"
    /// The challenge has no expiry that can be read.
    case noExpiry = "no_expiry"
    case expired
    case unsupportedMethod = "unsupported_method"
    case unsupportedIntent = "unsupported_intent"
    /// The charge was for another service, tier, method, route or body.
    case otherRequest = "other_request"
    /// The `request` parameter is not a charge in satoshi.
    case unreadableRequest = "unreadable_request"
    /// The payload has no preimage of 64 hexadecimal digits.
    case unreadablePreimage = "unreadable_preimage"
    case preimageMismatch = "preimage_mismatch"

    /// The gate's problem code for this cause.
    public var code: Refusal.Code {
        switch self {
        case .unknownChallenge, .noExpiry, .unsupportedMethod, .unsupportedIntent, .unreadableRequest: .badSignature
        case .expired: .expired
        case .otherRequest: .wrongService
        case .unreadablePreimage: .malformed
        case .preimageMismatch: .preimageMismatch
        }
    }

    /// One English sentence for the person behind the client.
    public var description: String {
        switch self {
        case .unknownChallenge: "The challenge was not made here, or was altered."
        case .noExpiry: "The challenge does not say when it ends."
        case .expired: "The challenge has expired; ask again and pay the new one."
        case .unsupportedMethod: "Only the payment method 'lightning' is taken here."
        case .unsupportedIntent: "Only the intent 'charge' is served here."
        case .otherRequest: "The payment was made for another request."
        case .unreadableRequest: "The challenge's request is not a charge in satoshi."
        case .unreadablePreimage: "The payload does not hold a preimage of 64 hexadecimal digits."
        case .preimageMismatch: "The preimage does not belong to the challenge's invoice."
        }
    }
}
