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
    /// What is paid of each route's price, in millionths: 1,000,000 for calls, less for deposits.
    public let ratePPM: Int32
    /// When the credit was closed, because its value was carried to another one or it was revoked.
    public let closedAt: Date?

    /// What can still be spent.
    public var remaining: MilliSatoshi { paid - spent }

    /// A credit's place in the order of lists.
    public struct Place: Sendable, Hashable {
        public let createdAt: Date
        public let paymentHash: PaymentHash

        public init(createdAt: Date, paymentHash: PaymentHash) {
            self.createdAt = createdAt
            self.paymentHash = paymentHash
        }
    }

    /// Where the credit stands in lists.
    public var place: Place { Place(createdAt: createdAt, paymentHash: paymentHash) }

    /// What this credit pays for a call at a list price, rounded up.
    public func price(_ list: MilliSatoshi) -> MilliSatoshi { Self.price(list, ratePPM: ratePPM) }

    /// What a rate makes of a list price, rounded up to the msat.
    public static func price(_ list: MilliSatoshi, ratePPM: Int32) -> MilliSatoshi {
        let (high, low) = list.msat.multipliedFullWidth(by: Int64(ratePPM))
        let (quotient, remainder) = Int64(1_000_000).dividingFullWidth((high, low))
        return MilliSatoshi(msat: remainder > 0 ? quotient + 1 : quotient)
    }

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
        ratePPM = try row.int4(10)
        closedAt = try row.optionalDate(11)
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
