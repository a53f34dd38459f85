// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
public import LightningPrimitives
internal import Postgres

/// What a payer has bought and what is left of it.
public struct Credit: Sendable, Hashable {
    public let paymentHash: PaymentHash
    /// The 32 bytes that name the credential.
    public let tokenID: [UInt8]
    public let service: String
    public let tier: Int16
    /// What the invoice was for, such as `call` or `deposit`.
    public let purpose: String
    public let paid: MilliSatoshi
    /// Earned or held.
    public let spent: MilliSatoshi
    public let createdAt: Date
    public let lastUsedAt: Date
    /// When the credit ends; `nil` for never.
    public let expiresAt: Date?

    /// What can still be spent.
    public var remaining: MilliSatoshi { paid - spent }

    init(_ row: Row) throws(PostgresError) {
        paymentHash = try row.paymentHash(0)
        tokenID = try row.bytea(1)
        service = try row.text(2)
        tier = try row.int2(3)
        purpose = try row.text(4)
        paid = MilliSatoshi(msat: try row.int8(5))
        spent = MilliSatoshi(msat: try row.int8(6))
        createdAt = try row.date(7)
        lastUsedAt = try row.date(8)
        expiresAt = try row.optionalDate(9)
    }
}

extension Row {
    /// A `bytea` of 32 bytes.
    func paymentHash(_ column: Int) throws(PostgresError) -> PaymentHash {
        guard let hash = PaymentHash(try bytea(column)) else {
            throw PostgresError(.malformed, "a payment hash that has not 32 bytes")
        }
        return hash
    }
}
