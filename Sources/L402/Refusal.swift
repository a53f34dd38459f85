// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why the gate does not serve a request; the closed set of problem codes that clients see.
public struct Refusal: Error, Hashable, CustomStringConvertible {
    /// One code per cause.
    ///
    /// A payer can heal every cause but `malformed` by paying a fresh challenge or by waiting.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case noCredential = "no_credential"
        case malformed
        case unknownVersion = "unknown_version"
        case unknownKey = "unknown_key"
        case badSignature = "bad_signature"
        case thirdPartyCaveat = "third_party_caveat"
        case revoked
        case preimageMismatch = "preimage_mismatch"
        case badCaveat = "bad_caveat"
        case unknownOwnCaveat = "unknown_own_caveat"
        case widened
        case wrongService = "wrong_service"
        case tierTooLow = "tier_too_low"
        case capabilityDenied = "capability_denied"
        case methodDenied = "method_denied"
        case pathDenied = "path_denied"
        case ipDenied = "ip_denied"
        case expired
        case exhausted
        case notSettled = "not_settled"
        case insufficientBalance = "insufficient_balance"
        case priceChanged = "price_changed"
        case lndUnavailable = "lnd_unavailable"
        case storeUnavailable = "store_unavailable"
        /// Our clock is wrong, so that nothing that expires is made.
        case unsynchronised
        case rateLimited = "rate_limited"
    }

    /// What the gate answers.
    public enum Remedy: Sendable, Hashable {
        /// 402 with a fresh challenge: paying it heals.
        case pay
        /// 401: the credential cannot be read; paying again would not help a client that writes it wrongly.
        case fixCredential
        /// 503 with Retry-After: nothing was charged.
        case wait
        /// 429 with Retry-After.
        case slowDown
    }

    public let code: Code

    public init(_ code: Code) { self.code = code }

    /// What the client should do.
    public var remedy: Remedy {
        switch code {
        case .malformed: .fixCredential
        case .notSettled, .lndUnavailable, .storeUnavailable, .unsynchronised: .wait
        case .rateLimited: .slowDown
        default: .pay
        }
    }

    /// One English sentence for the person behind the client, without internal names.
    public var detail: String {
        switch code {
        case .noCredential: "This resource is paid: pay the invoice and repeat the request with the token."
        case .malformed: "The Authorization header does not hold 'L402 <token>:<preimage as 64 hex digits>'."
        case .unknownVersion: "The token has an identifier of an unknown version."
        case .unknownKey: "The token was made with a key that is not in use here."
        case .badSignature: "The token was not made here, or was altered."
        case .thirdPartyCaveat: "The token needs a third party's discharge, which this scheme cannot carry."
        case .revoked: "The token has been revoked."
        case .preimageMismatch: "The preimage does not belong to the token's payment."
        case .badCaveat: "The token holds a restriction that cannot be evaluated."
        case .unknownOwnCaveat: "The token holds a restriction this version does not know."
        case .widened: "A restriction of the token is wider than one before it."
        case .wrongService: "The token is for another service."
        case .tierTooLow: "The token's tier is too low for this resource."
        case .capabilityDenied: "The token does not cover this resource."
        case .methodDenied: "The token does not allow this method."
        case .pathDenied: "The token does not cover this path."
        case .ipDenied: "The token may not be used from this address."
        case .expired: "The token has expired."
        case .exhausted: "The token has been used up, or a limit that its holder has put into it."
        case .notSettled: "The payment has not settled yet; repeat the request in a second."
        case .insufficientBalance: "What is left on the token does not pay for this request."
        case .priceChanged: "The price has changed since the token was made."
        case .lndUnavailable: "Payments cannot be taken at the moment; repeat the request later."
        case .storeUnavailable: "The request cannot be accounted for at the moment; repeat it later."
        case .unsynchronised: "Nothing is sold while this server's clock is wrong; repeat the request later."
        case .rateLimited: "Too many requests; wait as long as Retry-After says."
        }
    }

    public var description: String { "\(code.rawValue): \(detail)" }
}
