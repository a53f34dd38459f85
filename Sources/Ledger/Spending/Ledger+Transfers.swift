// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
internal import Postgres

private enum TransferStatements {
    static let openCarrying = Statement(
        "ledger.open_carrying",
        "SELECT outcome, carried FROM open_carrying($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    )

    static let noteUpgrade = Statement(
        "ledger.note_upgrade",
        "INSERT INTO upgrades (payment_hash, source) VALUES ($1, $2) ON CONFLICT (payment_hash) DO NOTHING"
    )

    static let upgradeSource = Statement(
        "ledger.upgrade_source",
        "SELECT source FROM upgrades WHERE payment_hash = $1"
    )

    static let used = Statement(
        "ledger.used",
        "SELECT limit_key, uses, spent_msat FROM token_uses WHERE limit_key = ANY ($1::bytea[])"
    )

    static let refund = Statement("ledger.refund", "SELECT outcome, remaining FROM refund_credit($1, $2, $3, $4)")

    static let refundHold = Statement("ledger.refund_hold", "SELECT outcome, remaining FROM refund_hold($1, $2, $3)")
}

extension LedgerStore {
    func openCarrying(_ payment: SettledPayment, from source: PaymentHash) async throws(LedgerError) -> MilliSatoshi? {
        let rows = try await run(TransferStatements.openCarrying, columns(payment) + [.bytea(source.bytes)])
        let answers = try decode(rows) { row throws(PostgresError) in (try row.text(0), try row.int8(1)) }
        switch answers.first {
        case ("opened", let carried)?: return MilliSatoshi(msat: carried)
        case ("exists", _)?: return nil
        case ("busy", _)?: throw .busy
        default: throw .storeUnavailable(retryable: false)
        }
    }

    func refund(
        _ hash: PaymentHash,
        _ amount: MilliSatoshi,
        route: String?,
        reference: String
    ) async throws(LedgerError) -> (remaining: MilliSatoshi, isNew: Bool) {
        try refunded(
            await run(
                TransferStatements.refund,
                [.bytea(hash.bytes), .int8(amount.msat), route.map { .text($0) } ?? .null, .text(reference)]
            )
        )
    }

    func refund(
        ofHold hold: [UInt8],
        _ amount: MilliSatoshi,
        reference: String
    ) async throws(LedgerError) -> (remaining: MilliSatoshi, isNew: Bool) {
        try refunded(
            await run(TransferStatements.refundHold, [.bytea(hold), .int8(amount.msat), .text(reference)])
        )
    }

    private func refunded(_ rows: [Row]) throws(LedgerError) -> (remaining: MilliSatoshi, isNew: Bool) {
        let answers = try decode(rows) { row throws(PostgresError) in (try row.text(0), try row.optionalInt8(1)) }
        switch answers.first {
        case ("refunded", let left?)?: return (MilliSatoshi(msat: left), true)
        case ("done", let left?)?: return (MilliSatoshi(msat: left), false)
        case ("missing", _)?: throw .unknownCredit
        case ("closed", _)?: throw .closed
        case ("too_much", _)?, ("unearned", _)?: throw .notEarned
        case ("open", _)?: throw .busy
        default: throw .storeUnavailable(retryable: false)
        }
    }
}

extension Ledger {
    /// Makes the credit of a payment and carries what is left of another credit over to it.
    ///
    /// The other credit is closed and its token revoked, in the same transaction. Harmless when the credit exists: then
    /// nothing is carried.
    /// - Returns: what was carried over; `nil` when the credit was there already.
    /// - Throws: `.busy` while requests of the other token are under way.
    @discardableResult
    public func open(_ payment: SettledPayment, carryingFrom source: PaymentHash) async throws(LedgerError)
        -> MilliSatoshi?
    {
        guard payment.paid > .zero, source != payment.paymentHash else { throw .invalidAmount }
        let carried = try await store.openCarrying(payment, from: source)
        if carried != nil { instruments.didPay() }
        return carried
    }

    /// Notes that a payment, once it arrives, replaces a credit; see ``open(_:carryingFrom:)``.
    public func noteUpgrade(_ paymentHash: PaymentHash, replacing source: PaymentHash) async throws(LedgerError) {
        _ = try await store.run(TransferStatements.noteUpgrade, [.bytea(paymentHash.bytes), .bytea(source.bytes)])
    }

    /// The credit that a payment replaces, if it was made to replace one.
    public func upgradeSource(of paymentHash: PaymentHash) async throws(LedgerError) -> PaymentHash? {
        let rows = try await store.run(TransferStatements.upgradeSource, [.bytea(paymentHash.bytes)])
        return try store.decode(rows) { row throws(PostgresError) in try row.paymentHash(0) }.first
    }

    /// What has been used under limits, by their keys; limits that were never used are missing.
    public func used(_ keys: [[UInt8]]) async throws(LedgerError) -> [[UInt8]: (uses: Int64, spent: MilliSatoshi)] {
        let rows = try await store.run(TransferStatements.used, [.byteaArray(keys)])
        let found = try store.decode(rows) {
            row throws(PostgresError) -> ([UInt8], (uses: Int64, spent: MilliSatoshi)) in
            (try row.bytea(0), (uses: try row.int8(1), spent: MilliSatoshi(msat: try row.int8(2))))
        }
        return Dictionary(found) { first, _ in first }
    }

    /// Gives earned value back to its credit, where it can be spent again.
    ///
    /// - Parameters:
    ///   - route: whose revenue it is taken from; `nil` for the route that the credit paid for last.
    ///   - reference: names the order; repeated, it has no second effect.
    /// - Returns: what can be spent now, and whether this call gave it back.
    /// - Throws: `.unknownCredit`; `.closed`; `.notEarned` when the credit has paid less than that.
    public func refund(
        paymentHash: PaymentHash,
        amount: MilliSatoshi,
        route: String?,
        reference: String
    ) async throws(LedgerError) -> (remaining: MilliSatoshi, isNew: Bool) {
        guard amount > .zero else { throw .invalidAmount }
        return try await store.refund(paymentHash, amount, route: route, reference: reference)
    }

    /// Gives a part of what one hold has earned back to its credit, where it can be spent again.
    ///
    /// What other holds of the credit have earned does not count.
    /// - Parameters:
    ///   - hold: a grant's ``PaidGrant/hold``.
    ///   - reference: names the order; repeated, it has no second effect.
    /// - Returns: what can be spent now, and whether this call gave it back.
    /// - Throws: `.busy` while the hold has no end; `.notEarned` when it was given back, never was, or has earned less than
    ///   that; `.closed`.
    public func refund(
        hold: [UInt8],
        amount: MilliSatoshi,
        reference: String
    ) async throws(LedgerError) -> (remaining: MilliSatoshi, isNew: Bool) {
        guard amount > .zero else { throw .invalidAmount }
        return try await store.refund(ofHold: hold, amount, reference: reference)
    }
}
