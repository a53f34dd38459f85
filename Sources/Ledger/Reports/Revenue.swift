// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
public import LightningPrimitives
internal import Postgres

/// What a route has earned, less what was given back afterwards.
public struct RouteRevenue: Sendable, Hashable {
    public let route: String
    public let earned: MilliSatoshi
    /// Settled calls.
    public let calls: Int64
}

/// What a route has earned on one day.
public struct DailyRevenue: Sendable, Hashable {
    /// The UTC day, `YYYY-MM-DD`.
    public let day: String
    public let route: String
    public let earned: MilliSatoshi
    /// Settled calls.
    public let calls: Int64
}

/// What the tokens of one kind have earned.
public struct ProductRevenue: Sendable, Hashable {
    public let service: String
    public let tier: Int16
    /// `call`, `deposit` or `mint`.
    public let purpose: String
    public let earned: MilliSatoshi
    /// Settled calls.
    public let calls: Int64
    /// Payments that were spent of.
    public let payments: Int64
}

/// One line of the ledger.
public struct LedgerEntry: Sendable, Hashable {
    public let id: Int64
    public let at: Date
    /// mint, pay, hold, settle, release, refund, bonus, deposit, carry_in or carry_out.
    public let kind: String
    public let route: String?
    public let amount: MilliSatoshi
    /// The order of an operator that the entry carries out.
    public let reference: String?
}

extension LedgerStore {
    func revenue(from: Date, to: Date) async throws(LedgerError) -> [RouteRevenue] {
        let rows = try await run(
            ReportStatements.revenue,
            [.timestamptz(from), .timestamptz(to)],
            deadline: .seconds(60)
        )
        return try decode(rows) { row throws(PostgresError) in
            RouteRevenue(
                route: try row.text(0),
                earned: MilliSatoshi(msat: try row.int8(1)),
                calls: try row.int8(2)
            )
        }
    }

    func dailyRevenue(from: Date, to: Date) async throws(LedgerError) -> [DailyRevenue] {
        let rows = try await run(
            ReportStatements.dailyRevenue,
            [.timestamptz(from), .timestamptz(to)],
            deadline: .seconds(60)
        )
        return try decode(rows) { row throws(PostgresError) in
            DailyRevenue(
                day: try row.text(0),
                route: try row.text(1),
                earned: MilliSatoshi(msat: try row.int8(2)),
                calls: try row.int8(3)
            )
        }
    }

    func productRevenue(from: Date, to: Date) async throws(LedgerError) -> [ProductRevenue] {
        let rows = try await run(
            ReportStatements.productRevenue,
            [.timestamptz(from), .timestamptz(to)],
            deadline: .seconds(60)
        )
        return try decode(rows) { row throws(PostgresError) in
            ProductRevenue(
                service: try row.text(0),
                tier: try row.int2(1),
                purpose: try row.text(2),
                earned: MilliSatoshi(msat: try row.int8(3)),
                calls: try row.int8(4),
                payments: try row.int8(5)
            )
        }
    }

    func credits(service: String?, before: Credit.Place?, limit: Int) async throws(LedgerError) -> [Credit] {
        let rows = try await run(
            ReportStatements.credits,
            [
                before.map { .timestamptz($0.createdAt) } ?? .null,
                before.map { .bytea($0.paymentHash.bytes) } ?? .null,
                service.map { .text($0) } ?? .null, .int8(Int64(limit)),
            ]
        )
        return try decode(rows) { row throws(PostgresError) in try Credit(row) }
    }

    func entries(_ hash: PaymentHash, limit: Int) async throws(LedgerError) -> [LedgerEntry] {
        let rows = try await run(ReportStatements.entries, [.bytea(hash.bytes), .int8(Int64(limit))])
        return try decode(rows) { row throws(PostgresError) in
            LedgerEntry(
                id: try row.int8(0),
                at: try row.date(1),
                kind: try row.text(2),
                route: try row.optionalText(3),
                amount: MilliSatoshi(msat: try row.int8(4)),
                reference: try row.optionalText(5)
            )
        }
    }

    func audit() async throws(LedgerError) -> AuditReport {
        let rows = try await run(ReportStatements.audit, [], deadline: .seconds(300))
        guard let report = try decode(rows, { row throws(PostgresError) in try AuditReport(row) }).first else {
            throw .storeUnavailable(retryable: false)
        }
        return report
    }
}

extension Ledger {
    /// What each route has earned in a span of time, the most first.
    public func revenue(from: Date, to: Date = .distantFuture) async throws(LedgerError) -> [RouteRevenue] {
        try await store.revenue(from: from, to: to)
    }

    /// What each route has earned on each UTC day of a span of time, the latest first.
    public func dailyRevenue(from: Date, to: Date) async throws(LedgerError) -> [DailyRevenue] {
        try await store.dailyRevenue(from: from, to: to)
    }

    /// What the tokens of each service, tier and purpose have earned in a span of time, the most first.
    public func productRevenue(from: Date, to: Date) async throws(LedgerError) -> [ProductRevenue] {
        try await store.productRevenue(from: from, to: to)
    }

    /// A page of credits, the newest first.
    ///
    /// - Parameters:
    ///   - before: the last credit of the page before; `nil` for the first page.
    ///   - limit: at most so many, 1 to 1000.
    public func credits(
        service: String? = nil,
        before: Credit.Place? = nil,
        limit: Int
    ) async throws(LedgerError) -> [Credit] {
        try await store.credits(service: service, before: before, limit: min(max(1, limit), 1000))
    }

    /// The entries of a credit, the oldest first, at most 1000.
    public func entries(paymentHash: PaymentHash) async throws(LedgerError) -> [LedgerEntry] {
        try await store.entries(paymentHash, limit: 1000)
    }

    /// Compares every balance with the sum of its entries; reads the whole ledger.
    public func audit() async throws(LedgerError) -> AuditReport {
        try await store.audit()
    }
}
