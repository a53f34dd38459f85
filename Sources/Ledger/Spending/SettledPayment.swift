// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
public import LightningPrimitives

/// A payment that has arrived, as the caller has verified it: the source of a credit.
public struct SettledPayment: Sendable, Hashable {
    public let paymentHash: PaymentHash
    /// The 32 bytes that name the credential.
    public let tokenID: [UInt8]
    /// The service and tier that the payment was for.
    public let service: String
    public let tier: Int16
    /// What the invoice was for: `call`, `deposit`, or `mint` for value that an operator gave.
    public let purpose: String
    /// What really arrived, which may be more than was asked.
    public let paid: MilliSatoshi
    /// When the credit ends; `nil` for never.
    public let expiresAt: Date?
    /// What is paid of each route's price, in millionths, 1 to 1,000,000.
    public let ratePPM: Int32

    /// Describes a payment.
    /// - Precondition: the token's name has 32 bytes, and the rate is in its range.
    public init(
        paymentHash: PaymentHash,
        tokenID: [UInt8],
        service: String,
        tier: Int16,
        purpose: String,
        paid: MilliSatoshi,
        expiresAt: Date?,
        ratePPM: Int32 = 1_000_000
    ) {
        precondition((1...1_000_000).contains(ratePPM), "a rate is at most the whole price")
        precondition(tokenID.count == 32, "a token is named by 32 bytes")
        self.paymentHash = paymentHash
        self.tokenID = tokenID
        self.service = service
        self.tier = tier
        self.purpose = purpose
        self.paid = paid
        self.expiresAt = expiresAt
        self.ratePPM = ratePPM
    }
}
