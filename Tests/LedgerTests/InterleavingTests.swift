// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Postgres
import PostgresTestSupport
import Synchronization
import Testing

@testable import Ledger

/// SplitMix64: the same walk for the same seed.
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

@Suite("Interleavings")
struct InterleavingTests {
    /// What the callers were told, per credit: an independent account.
    private final class Account: Sendable {
        let spent = Mutex<[PaymentHash: Int64]>([:])

        func add(_ msat: Int64, _ hash: PaymentHash) { spent.withLock { $0[hash, default: 0] += msat } }
    }

    @Test(
        "whatever the order of uses, settlements, releases, repetitions and sweeps, everything adds up",
        arguments: 1...4
    )
    func anyOrder(seed: UInt64) async throws {
        try await Fixture.with { fixture in
            let hasty = Ledger(
                client: fixture.client,
                configuration: LedgerConfiguration(holdLifetime: .milliseconds(1), batchLimit: 3),
                logger: TestDatabase.silentLogger
            )
            let payments = (0..<6).map { Fixture.payment(5000 + Int64($0) * 1000) }
            let account = Account()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        var random = SeededGenerator(state: seed &* 1_000_003 &+ UInt64(worker))
                        for _ in 0..<25 {
                            try await step(payments, fixture.ledger, hasty, account, &random)
                        }
                    }
                }
                try await group.waitForAll()
            }
            while try await fixture.number("SELECT count(*) FROM holds") > 0 { _ = try await fixture.ledger.sweep() }
            let report = try await fixture.ledger.audit()
            #expect(report.isConsistent && report.held == .zero)
            let told = account.spent.withLock { $0 }
            for payment in payments {
                do {
                    let credit = try await fixture.ledger.balance(paymentHash: payment.paymentHash)
                    #expect(credit.spent.msat == told[payment.paymentHash, default: 0])
                } catch LedgerError.unknownCredit {
                    #expect(told[payment.paymentHash] == nil)
                }
            }
        }
    }

    /// One random call and its end; books what the caller was told to have paid.
    private func step(
        _ payments: [SettledPayment],
        _ patient: Ledger,
        _ hasty: Ledger,
        _ account: Account,
        _ random: inout SeededGenerator
    ) async throws {
        guard let payment = payments.randomElement(using: &random) else { return }
        let ledger = Bool.random(using: &random) ? patient : hasty
        let amount = MilliSatoshi(msat: .random(in: 1...900, using: &random))
        let grant: PaidGrant
        do {
            if Int.random(in: 0..<3, using: &random) == 0 {
                grant = try await ledger.firstUse(payment: payment, amount: amount, route: "r")
            } else {
                grant = try await ledger.debit(paymentHash: payment.paymentHash, amount: amount, route: "r")
            }
        } catch LedgerError.unknownCredit, LedgerError.insufficientBalance {
            return
        }
        switch Int.random(in: 0..<6, using: &random) {
        case 0:
            // Settled at the end or swept; only a patient hold is certain to be there still.
            if ledger === patient { try await settle(grant, patient, account, times: 1) }
        case 1: try await patient.release(grant)
        case 2:
            try await patient.release(grant)
            await #expect(throws: LedgerError.expired) { try await patient.settle(grant) }
        case 3:
            _ = try await patient.sweep(limit: 3)
            try await settle(grant, patient, account, times: 2)
        default: try await settle(grant, patient, account, times: 1)
        }
    }

    private func settle(_ grant: PaidGrant, _ ledger: Ledger, _ account: Account, times: Int) async throws {
        var isEarned = false
        for _ in 0..<times {
            do {
                try await ledger.settle(grant)
                isEarned = true
            } catch LedgerError.expired {
                #expect(!isEarned)
            }
        }
        if isEarned { account.add(grant.amount.msat, grant.paymentHash) }
    }

    @Test("overlapping batches of two processes never deadlock")
    func noDeadlock() async throws {
        let url = try await TestDatabase.migrated()
        try await TestDatabase.withClient(of: url, connections: 1) { client in
            // The plan of a large table: rows are met, and without care locked, in the order of the batch.
            try await client.execute(
                Statement(
                    "plan",
                    """
                    DO $$ BEGIN
                        EXECUTE format('ALTER DATABASE %I SET enable_hashjoin = off', current_database());
                        EXECUTE format('ALTER DATABASE %I SET enable_mergejoin = off', current_database());
                        EXECUTE format('ALTER DATABASE %I SET enable_seqscan = off', current_database());
                    END $$
                    """
                )
            )
        }
        let payments = (0..<150).map { _ in Fixture.payment(1_000_000_000) }
        let configuration = Ledger.clientConfiguration(connectionString: url)
        try await TestDatabase.withClient(configuration) { one in
            try await TestDatabase.withClient(configuration) { two in
                let stores = [one, two].map { client in
                    LedgerStore(
                        client: client,
                        configuration: LedgerConfiguration(holdLifetime: .milliseconds(20)),
                        logger: TestDatabase.silentLogger
                    )
                }
                for payment in payments { _ = try await stores[0].open(payment) }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<8 {
                        group.addTask { try await spend(payments, worker, stores[worker % 2]) }
                    }
                    try await group.waitForAll()
                }
                let audit = try await stores[0].audit()
                #expect(audit.isConsistent)
                let deadlocks = try await one.query(
                    Statement("deadlocks", "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                )
                #expect(try deadlocks[0].int8(0) == 0)
            }
        }
    }

    /// Debits all credits in a random order, ends some of the holds in another, sweeps, and again.
    private func spend(_ payments: [SettledPayment], _ worker: Int, _ store: LedgerStore) async throws {
        var random = SeededGenerator(state: UInt64(worker))
        for _ in 0..<15 {
            let debits = payments.shuffled(using: &random).map { payment in
                Debit(
                    holdID: .make(),
                    paymentHash: payment.paymentHash,
                    amount: .msat(1),
                    route: "r",
                    reply: Reply(cancelled: .cancelled)
                )
            }
            let balances = try await store.debit(DebitPlan(debits))
            #expect(balances.count == debits.count)
            let holds = debits.map(\.holdID).shuffled(using: &random)
            _ = try await store.end(Array(holds.prefix(50)), .settled)
            _ = try await store.end(Array(holds.dropFirst(40).prefix(60)), .released)
            _ = try await store.sweep(limit: 100)
        }
    }
}
