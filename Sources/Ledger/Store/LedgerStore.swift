// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives
internal import Logging
internal import Postgres

/// The ledger's statements as functions; retries what had no effect, at most three times.
struct LedgerStore: Sendable {
    struct Balance: Sendable {
        let paymentHash: PaymentHash
        let paid: MilliSatoshi
        let spent: MilliSatoshi
    }

    let client: PostgresClient
    let configuration: LedgerConfiguration
    private let lifetime: PostgresValue
    private let logger: Logger

    init(client: PostgresClient, configuration: LedgerConfiguration, logger: Logger) {
        self.client = client
        self.configuration = configuration
        self.logger = logger
        lifetime = .int8(Int64(configuration.holdLifetime / .milliseconds(1)))
    }

    func debit(_ plan: DebitPlan) async throws(LedgerError) -> [Balance] {
        let sums = plan.sums
        let debits = plan.candidates
        let rows = try await run(
            LedgerStatements.debit,
            [
                .byteaArray(sums.map(\.paymentHash.bytes)), .int8Array(sums.map(\.amount.msat)),
                .byteaArray(debits.map(\.holdID.bytes)), .byteaArray(debits.map(\.paymentHash.bytes)),
                .int8Array(debits.map(\.amount.msat)), .textArray(debits.map(\.route)), lifetime,
            ]
        )
        return try decode(rows) { row throws(PostgresError) in
            Balance(
                paymentHash: try row.paymentHash(0),
                paid: MilliSatoshi(msat: try row.int8(1)),
                spent: MilliSatoshi(msat: try row.int8(2))
            )
        }
    }

    func lookUp(_ hashes: [PaymentHash]) async throws(LedgerError) -> [PaymentHash: DebitPlan.Finding] {
        let rows = try await run(LedgerStatements.lookUp, [.byteaArray(hashes.map(\.bytes))])
        let findings = try decode(rows) { row throws(PostgresError) -> (PaymentHash, DebitPlan.Finding) in
            let remaining = MilliSatoshi(msat: try row.int8(1))
            let finding: DebitPlan.Finding =
                try row.bool(3) ? .closed : try row.bool(2) ? .expired : .open(remaining: remaining)
            return (try row.paymentHash(0), finding)
        }
        return Dictionary(findings) { first, _ in first }
    }

    /// Creates and debits a credit; `nil` when it exists and cannot be debited, or is over already.
    func firstUse(
        _ payment: SettledPayment,
        _ amount: MilliSatoshi,
        _ holdID: HoldID,
        _ route: String
    ) async throws(LedgerError) -> (balance: Balance, isNew: Bool)? {
        let rows = try await run(
            LedgerStatements.firstUse,
            columns(payment) + [.int8(amount.msat), .bytea(holdID.bytes), .text(route), lifetime]
        )
        return try decode(rows) { row throws(PostgresError) in
            (
                Balance(
                    paymentHash: payment.paymentHash,
                    paid: MilliSatoshi(msat: try row.int8(0)),
                    spent: MilliSatoshi(msat: try row.int8(1))
                ),
                try row.bool(2)
            )
        }.first
    }

    /// Creates a credit; false when it exists.
    func open(_ payment: SettledPayment) async throws(LedgerError) -> Bool {
        do {
            return try await client.execute(LedgerStatements.open, columns(payment)) == 1
        } catch {
            throw failure(LedgerStatements.open, error)
        }
    }

    /// Ends holds and returns those that were there.
    func end(_ holds: [HoldID], _ end: HoldEnder.End) async throws(LedgerError) -> Set<HoldID> {
        let statement = end == .settled ? LedgerStatements.settle : LedgerStatements.release
        let rows = try await run(statement, [.byteaArray(holds.map(\.bytes))])
        return Set(try decode(rows) { row throws(PostgresError) in try row.holdID(0) })
    }

    /// How holds that are gone have ended.
    func ends(_ holds: [HoldID]) async throws(LedgerError) -> [HoldID: HoldEnder.End] {
        let rows = try await run(LedgerStatements.ends, [.byteaArray(holds.map(\.bytes))])
        let ends = try decode(rows) { row throws(PostgresError) -> (HoldID, HoldEnder.End) in
            (try row.holdID(0), try row.bool(1) ? .settled : .released)
        }
        return Dictionary(ends) { first, _ in first }
    }

    /// Releases overdue holds and returns how many.
    func sweep(limit: Int) async throws(LedgerError) -> Int {
        try await run(LedgerStatements.sweep, [.int8(Int64(limit))]).count
    }

    func credit(_ hash: PaymentHash) async throws(LedgerError) -> Credit? {
        let rows = try await run(LedgerStatements.credit, [.bytea(hash.bytes)])
        return try decode(rows) { row throws(PostgresError) in try Credit(row) }.first
    }

    /// Debits one credit within the limits of a token.
    func debit(
        _ paymentHash: PaymentHash,
        _ amount: MilliSatoshi,
        _ holdID: HoldID,
        _ route: String,
        within limits: [SpendingLimit]
    ) async throws(LedgerError) -> Balance {
        let rows = try await run(
            LedgerStatements.debitWithinLimits,
            [
                .bytea(paymentHash.bytes), .int8(amount.msat), .bytea(holdID.bytes), .text(route), lifetime,
                .byteaArray(limits.map(\.key)), .int8Array(limits.map { $0.uses ?? .max }),
                .int8Array(limits.map { $0.amount?.msat ?? .max }),
            ]
        )
        let answers = try decode(rows) { row throws(PostgresError) -> (String, MilliSatoshi?, MilliSatoshi?) in
            let paid = try row.optionalInt8(1)
            let spent = try row.optionalInt8(2)
            return (try row.text(0), paid.map { MilliSatoshi(msat: $0) }, spent.map { MilliSatoshi(msat: $0) })
        }
        switch answers.first {
        case ("held", let paid?, let spent?)?: return Balance(paymentHash: paymentHash, paid: paid, spent: spent)
        case ("insufficient", let paid?, let spent?)?: throw .insufficientBalance(remaining: paid - spent)
        case ("missing", _, _)?: throw .unknownCredit
        case ("expired", _, _)?: throw .expired
        case ("closed", _, _)?: throw .closed
        case ("limited", _, _)?: throw .limitReached
        default: throw .storeUnavailable(retryable: false)
        }
    }

    // MARK: Common

    func columns(_ payment: SettledPayment) -> [PostgresValue] {
        [
            .bytea(payment.paymentHash.bytes), .bytea(payment.tokenID), .text(payment.service), .int2(payment.tier),
            .text(payment.purpose), .int8(payment.paid.msat), payment.expiresAt.map { .timestamptz($0) } ?? .null,
            .int4(payment.ratePPM),
        ]
    }

    private static let attempts = 3

    func run(
        _ statement: Statement,
        _ values: [PostgresValue],
        deadline: Duration? = nil
    ) async throws(LedgerError) -> [Row] {
        for attempt in 1...Self.attempts {
            do throws(PostgresError) {
                return try await client.query(statement, values, deadline: deadline)
            } catch {
                // Where the wait itself was in vain, another one would only keep the caller longer.
                let isWorthwhile = error.isRetryable && error.code != .unavailable && error.code != .overloaded
                guard isWorthwhile, attempt < Self.attempts else { throw failure(statement, error) }
                try? await Task.sleep(for: .milliseconds(Int64.random(in: 5...25) * Int64(attempt)))
            }
        }
        throw .storeUnavailable(retryable: true)
    }

    func failure(_ statement: Statement, _ error: PostgresError) -> LedgerError {
        switch error.code {
        case .overloaded: return .overloaded
        case .cancelled: return .cancelled
        default:
            logger.error(
                "ledger statement failed",
                metadata: ["ledger.statement": "\(statement.name)", "db.error": "\(error)"]
            )
            return .storeUnavailable(retryable: error.isRetryable)
        }
    }

    func decode<Value>(
        _ rows: [Row],
        _ body: (Row) throws(PostgresError) -> Value
    ) throws(LedgerError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(rows.count)
        do throws(PostgresError) {
            for row in rows { values.append(try body(row)) }
        } catch {
            logger.error("ledger answer not understood", metadata: ["db.error": "\(error)"])
            throw .storeUnavailable(retryable: false)
        }
        return values
    }
}

extension Row {
    /// A `bytea` of 16 bytes.
    fileprivate func holdID(_ column: Int) throws(PostgresError) -> HoldID {
        guard let id = HoldID(try bytea(column)) else {
            throw PostgresError(.malformed, "a hold id that has not 16 bytes")
        }
        return id
    }
}
