// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import L402
public import LightningPrimitives
public import PaymentAuthentication

/// A challenge with what its 402 answer says about it.
public struct IssuedChallenge: Sendable {
    public let challenge: Challenge
    /// The same invoice for clients of the Payment scheme; `nil` where it is not offered.
    public var payment: PaymentChallenge?
    /// Whether L402 may be used; if not, only the Payment scheme is offered.
    public var offersL402 = true
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

    /// The value of the one `WWW-Authenticate` line.
    public var headerValue: String {
        let texts = [offersL402 ? challenge.headerValue : nil, payment?.headerValue].compactMap(\.self)
        return texts.joined(separator: ", ")
    }
}
