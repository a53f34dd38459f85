// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
internal import Metrics
public import Postgres

/// What may be spent.
public struct SpendBudget: Sendable, Hashable {
    /// Amount of one payment, without its fee.
    public var perPayment: MilliSatoshi
    /// All payments of a cycle, fees included.
    public var perCycle: MilliSatoshi
    /// All payments of the last 24 hours, fees included; zero switches paying off.
    public var perDay: MilliSatoshi

    public init(perPayment: MilliSatoshi, perCycle: MilliSatoshi, perDay: MilliSatoshi) {
        self.perPayment = perPayment
        self.perCycle = perCycle
        self.perDay = perDay
    }
}

/// A payment that is about to be made.
public struct PlannedPayment: Sendable, Hashable {
    /// Which budgets it is taken from.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Our own probes.
        case paidProbe = "paid_probe"
        /// Probes that callers pay for.
        case apiProbe = "api_probe"
    }

    public let hash: PaymentHash
    public let kind: Kind
    /// Payments of one cycle share its budget.
    public let cycle: String
    public let endpoint: [UInt8]?
    public let amount: MilliSatoshi
    public let feeLimit: MilliSatoshi

    public init(
        hash: PaymentHash,
        kind: Kind,
        cycle: String,
        endpoint: [UInt8]?,
        amount: MilliSatoshi,
        feeLimit: MilliSatoshi
    ) {
        self.hash = hash
        self.kind = kind
        self.cycle = cycle
        self.endpoint = endpoint
        self.amount = amount
        self.feeLimit = feeLimit
    }
}

/// The book of what we pay: the table `spend_ledger`.
///
/// Amount and fee limit are taken out of the budgets before a node is asked to pay, and what is really paid is written
/// afterwards. A payment hash is in it once, so no invoice is paid twice, whatever crashes and whoever races.
public struct SpendLedger: Sendable {
    /// The answer to a reservation.
    public enum Reservation: String, Sendable, Hashable {
        case reserved
        /// The amount is more than one payment may cost.
        case overCap = "over_cap"
        case overCycle = "cycle"
        case overDay = "window"
        /// The invoice was paid before, is being paid, or may be.
        case duplicate
    }

    private static let reserve = Statement(
        "spend.reserve",
        "SELECT assay_reserve_spend($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    )
    /// Also after a failure was booked: what the node says last is what happened.
    private static let settle = Statement(
        "spend.settle",
        """
        UPDATE spend_ledger SET state = 'settled', paid_msat = CASE WHEN $2 > 0 THEN $2 ELSE amount_msat END,
            fee_msat = $3, settled_at = now(), failure = NULL
        WHERE payment_hash = $1 AND state <> 'settled' RETURNING kind
        """
    )
    private static let fail = Statement(
        "spend.fail",
        """
        UPDATE spend_ledger SET state = 'failed', failure = $2
        WHERE payment_hash = $1 AND state IN ('reserved', 'unknown')
        """
    )
    private static let doubt = Statement(
        "spend.doubt",
        "UPDATE spend_ledger SET state = 'unknown', failure = $2 WHERE payment_hash = $1 AND state = 'reserved'"
    )
    private static let open = Statement(
        "spend.open",
        """
        SELECT payment_hash FROM spend_ledger
        WHERE state IN ('reserved', 'unknown') AND created_at <= now() - $1 * interval '1 second'
        ORDER BY created_at LIMIT 100
        """
    )
    private static let spent = Statement("spend.spent", "SELECT assay_spent_msat($1, NULL, interval '24 hours')")
    private static let spentInCycle = Statement("spend.spent_cycle", "SELECT assay_spent_msat($1, $2, NULL)")

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Takes a payment out of the budgets, if all three allow it.
    ///
    /// One statement; callers of one kind wait for each other, so two cannot take the same rest.
    public func reserve(_ payment: PlannedPayment, within budget: SpendBudget) async throws(PostgresError)
        -> Reservation
    {
        let values: [PostgresValue] = [
            .bytea(payment.hash.bytes), .text(payment.kind.rawValue), .text(payment.cycle),
            payment.endpoint.map { .bytea($0) } ?? .null, .int8(payment.amount.msat), .int8(payment.feeLimit.msat),
            .int8(budget.perPayment.msat), .int8(budget.perCycle.msat), .int8(budget.perDay.msat),
        ]
        let row = try await client.query(Self.reserve, values).first
        guard let answer = try row?.text(0), let reservation = Reservation(rawValue: answer) else {
            throw PostgresError(.malformed, "no answer to a reservation")
        }
        return reservation
    }

    /// Writes down what a payment has really cost.
    public func settle(_ hash: PaymentHash, paid: MilliSatoshi, fee: MilliSatoshi) async throws(PostgresError) {
        let values: [PostgresValue] = [.bytea(hash.bytes), .int8(paid.msat), .int8(fee.msat)]
        guard
            let kind = try await client.query(Self.settle, values).first.map({ row throws(PostgresError) in
                try row.text(0)
            })
        else { return }
        for (part, amount) in [("amount", paid), ("fee", fee)] {
            Counter(label: "spend_msat_total", dimensions: [("kind", kind), ("part", part)]).increment(by: amount.msat)
        }
    }

    /// Gives back what was reserved: nothing was paid.
    public func fail(_ hash: PaymentHash, _ reason: String) async throws(PostgresError) {
        try await client.execute(Self.fail, [.bytea(hash.bytes), .text(String(reason.prefix(200)))])
    }

    /// Notes that nobody knows yet whether it was paid: it stays reserved.
    public func doubt(_ hash: PaymentHash, _ reason: String) async throws(PostgresError) {
        try await client.execute(Self.doubt, [.bytea(hash.bytes), .text(String(reason.prefix(200)))])
    }

    /// Payments without an end that were begun so many seconds ago or earlier.
    public func openPayments(olderThan seconds: Int) async throws(PostgresError) -> [PaymentHash] {
        var hashes: [PaymentHash] = []
        for row in try await client.query(Self.open, [.float8(Double(seconds))]) {
            if let hash = PaymentHash(try row.bytea(0)) { hashes.append(hash) }
        }
        return hashes
    }

    /// What counts against the day's budget of a kind: spent in 24 hours, or still reserved.
    public func spentToday(_ kind: PlannedPayment.Kind) async throws(PostgresError) -> MilliSatoshi {
        MilliSatoshi(msat: try await client.query(Self.spent, [.text(kind.rawValue)]).first?.int8(0) ?? 0)
    }

    /// What counts against a cycle's budget.
    public func spent(_ kind: PlannedPayment.Kind, in cycle: String) async throws(PostgresError) -> MilliSatoshi {
        let rows = try await client.query(Self.spentInCycle, [.text(kind.rawValue), .text(cycle)])
        return MilliSatoshi(msat: try rows.first?.int8(0) ?? 0)
    }
}
