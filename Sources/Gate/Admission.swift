// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import L402
public import Ledger
public import LightningPrimitives

/// What the gate decided about a request.
public enum Admission: Sendable {
    /// The request may be served; a paid grant must be settled or released afterwards.
    case granted(Grant, GrantTerms)
    /// 402: pay this.
    case challenged(IssuedChallenge, because: Refusal)
    /// 401, 429 or 503 by the refusal's remedy.
    case refused(Refusal, retryAfterSeconds: Int)
    /// 431: the credential header is too long.
    case headerTooLarge
}

/// What the caller of a granted request is told about the token.
public struct GrantTerms: Sendable, Hashable {
    /// What was charged; zero for free and operator requests.
    public let price: MilliSatoshi
    /// What is left on the token; `nil` without a token.
    public let balance: MilliSatoshi?
    /// When the token expires, in Unix seconds; `nil` without a token or expiry.
    public let expiresAt: Int64?

    public init(price: MilliSatoshi, balance: MilliSatoshi?, expiresAt: Int64?) {
        self.price = price
        self.balance = balance
        self.expiresAt = expiresAt
    }
}

/// A challenge with what its 402 answer says about it.
public struct IssuedChallenge: Sendable {
    public let challenge: Challenge
    public let paymentHash: PaymentHash
    public let price: MilliSatoshi
    /// When the invoice stops being payable, in Unix seconds.
    public let expiresAt: Int64
    /// Seconds until then.
    public let expiresIn: Int
    public let capability: String

    public init(
        challenge: Challenge,
        paymentHash: PaymentHash,
        price: MilliSatoshi,
        expiresAt: Int64,
        expiresIn: Int,
        capability: String
    ) {
        self.challenge = challenge
        self.paymentHash = paymentHash
        self.price = price
        self.expiresAt = expiresAt
        self.expiresIn = expiresIn
        self.capability = capability
    }
}
