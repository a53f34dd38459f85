// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Ledger
import LightningPrimitives
import Logging
import Migrations
import Postgres

/// Compares batched debits with one statement per debit, on the same durable server in the same run.
///
/// Only the ratios mean anything on another machine. With `--check` the program fails when 32 callers get less than twice
/// what pgbench gets from the same statement. With `--json` the comparison with pgbench is JSON.
@main
struct LedgerBenchmark {
    private static let duration = Duration.seconds(3)
    private static let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }

    static func main() async throws {
        let directory = "/tmp/assay-benchmark-\(ProcessInfo.processInfo.processIdentifier)"
        let server = EmbeddedPostgres(
            configuration: EmbeddedPostgresConfiguration(directory: "\(directory)/pg"),
            logger: logger
        )
        let url = try await server.start()
        let result: Result<Bool, any Error>
        do {
            result = .success(try await measure(url, directory))
        } catch {
            result = .failure(error)
        }
        await server.stop()
        try FileManager.default.removeItem(atPath: directory)
        let isGood = try result.get()
        if CommandLine.arguments.contains("--check"), !isGood { exit(1) }
    }

    private static func measure(_ url: String, _ directory: String) async throws -> Bool {
        let single = PostgresClient(PostgresConfiguration(connectionString: url, plansOnce: true), logger: logger)
        let batched = PostgresClient(Ledger.clientConfiguration(connectionString: url), logger: logger)
        try await Migrator(client: single, logger: logger).migrate()
        let ledger = Ledger(client: batched, logger: logger)
        let payments = (0..<10_000).map(payment)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in 0..<100 {
                group.addTask {
                    for payment in payments[(part * 100)..<(part * 100 + 100)] { try await ledger.open(payment) }
                }
            }
            try await group.waitForAll()
        }
        let copy = "CREATE TABLE bare_credits (LIKE credits INCLUDING ALL)"
        try await single.execute(Statement("copy", copy))
        try await single.execute(Statement("fill", "INSERT INTO bare_credits SELECT * FROM credits"))
        try await single.execute(Statement("analyze", "ANALYZE"))

        let pgbench = Pgbench(connectionString: url, directory: directory)
        var rows: [Comparison] = []
        for callers in [1, 32] {
            // Every one after the other, so that none has the server's caches to itself.
            let bare = try pgbench.run(Pgbench.bareUpdate, clients: callers)
            let same = try pgbench.run(Pgbench.debit, clients: callers)
            let ours = try await rate(callers) { index in
                _ = try await ledger.debit(paymentHash: payments[index].paymentHash, amount: price, route: "score")
            }
            rows.append(Comparison(callers: callers, debits: ours, pgbench: same, bareUpdate: bare))
        }
        try Comparison.report(rows, isJSON: CommandLine.arguments.contains("--json"))
        if !CommandLine.arguments.contains("--json") {
            try await compareWithOneStatementEach(ledger, single, payments)
        }
        let report = try await ledger.audit()
        guard report.isConsistent else { throw Inconsistent() }
        await single.shutDown()
        await batched.shutDown()
        return rows.allSatisfy(\.isGood)
    }

    /// The money does not add up.
    private struct Inconsistent: Error {}

    private static func compareWithOneStatementEach(
        _ ledger: Ledger,
        _ single: PostgresClient,
        _ payments: [SettledPayment]
    ) async throws {
        print("\ncallers  batched/s  one statement each/s  ratio  batched and settled/s")
        for callers in [16, 64, 256, 1024] {
            let together = try await rate(callers) { index in
                _ = try await ledger.debit(paymentHash: payments[index].paymentHash, amount: price, route: "score")
            }
            let alone = try await rate(callers) { index in
                try await debitAlone(single, payments[index].paymentHash)
            }
            let settled = try await rate(callers) { index in
                let hash = payments[index].paymentHash
                try await ledger.settle(ledger.debit(paymentHash: hash, amount: price, route: "score"))
            }
            let columns =
                [Double(callers), together, alone].map { String(Int($0)) } + [
                    String(Double(Int(together / alone * 100)) / 100), String(Int(settled)),
                ]
            print(columns.joined(separator: "  "))
        }
    }

    /// Calls per second of so many callers, each one call at a time.
    private static func rate(
        _ callers: Int,
        _ call: @escaping @Sendable (_ index: Int) async throws -> Void
    ) async throws -> Double {
        let start = ContinuousClock.now
        let count = try await withThrowingTaskGroup(of: Int.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    var index = caller * 7919 % 10_000
                    var count = 0
                    while start.duration(to: .now) < duration {
                        try await call(index)
                        count += 1
                        index = (index + 104_729) % 10_000
                    }
                    return count
                }
            }
            return try await group.reduce(0, +)
        }
        return Double(count) / (start.duration(to: .now) / .seconds(1))
    }

    // MARK: Fixtures

    private static let price = MilliSatoshi(msat: 1)

    /// A payment whose hash pgbench can compute from its number.
    private static func payment(_ index: Int) -> SettledPayment {
        SettledPayment(
            paymentHash: PaymentHash(words: (0, 0, 0, UInt64(index))),
            tokenID: [UInt8](repeating: 0, count: 32),
            service: "oracle",
            tier: 0,
            purpose: "deposit",
            paid: MilliSatoshi.sat(1_000_000),
            expiresAt: nil
        )
    }

    /// The same work as one debit of the ledger, as one statement for one credit.
    private static func debitAlone(_ client: PostgresClient, _ hash: PaymentHash) async throws {
        var generator = SystemRandomNumberGenerator()
        let hold = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let count = try await client.execute(
            alone,
            [.bytea(hash.bytes), .int8(price.msat), .bytea(hold), .text("score"), .int8(90_000)]
        )
        precondition(count == 1, "a debit that found no credit")
    }

    private static let alone = Statement(
        "debit.alone",
        """
        WITH debited AS (
            UPDATE credits SET spent_msat = spent_msat + $2, last_used_at = now()
             WHERE payment_hash = $1 AND spent_msat + $2 <= paid_msat AND (expires_at IS NULL OR expires_at > now())
            RETURNING payment_hash, paid_msat, spent_msat
        ), held AS (
            INSERT INTO holds (hold_id, payment_hash, amount_msat, route, deadline)
            SELECT $3, payment_hash, $2, $4, now() + $5::bigint * interval '1 millisecond' FROM debited
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'hold', payment_hash, $3, $4, $2 FROM debited
        )
        SELECT paid_msat, spent_msat FROM debited
        """
    )
}
