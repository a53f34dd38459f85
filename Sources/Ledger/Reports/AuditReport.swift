// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
internal import Postgres

/// What a comparison of all balances with the entries of the ledger found.
public struct AuditReport: Sendable, Hashable {
    /// Credits that were compared.
    public let credits: Int64
    /// The sum of what was paid.
    public let paid: MilliSatoshi
    /// The sum of what is earned or held.
    public let spent: MilliSatoshi
    /// The sum of what is held at the moment.
    public let held: MilliSatoshi
    /// The sum of what is earned.
    public let earned: MilliSatoshi
    /// Credits whose balance or holds are not the sum of their entries.
    public let mismatches: Int64
    /// At most 100 of the mismatched credits.
    public let examples: [PaymentHash]

    /// Whether everything adds up to the msat.
    public var isConsistent: Bool { mismatches == 0 && spent == earned + held }

    init(_ row: Row) throws(PostgresError) {
        credits = try row.int8(0)
        paid = MilliSatoshi(msat: try row.int8(1))
        spent = MilliSatoshi(msat: try row.int8(2))
        held = MilliSatoshi(msat: try row.int8(3))
        earned = MilliSatoshi(msat: try row.int8(4))
        mismatches = try row.int8(5)
        examples = try row.byteaArray(6).compactMap { PaymentHash($0) }
    }
}
