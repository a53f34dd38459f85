// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LightningPrimitives
import Postgres
import Testing

@testable import Ledger

@Suite("Spending")
struct SpendingTests {
    @Test("a payment becomes a credit with its first use and is spent down to nothing and no further")
    func life() async throws {
        try await Fixture.with { fixture in
            let ledger = fixture.ledger
            let payment = Fixture.payment(2500)
            await #expect(throws: LedgerError.unknownCredit) {
                try await ledger.debit(paymentHash: payment.paymentHash, amount: .msat(1000), route: "score")
            }
            let first = try await ledger.firstUse(payment: payment, amount: .msat(1000), route: "score")
            #expect(first.isFirstUse && first.remaining == .msat(1500) && first.paid == .msat(2500))
            let second = try await ledger.debit(paymentHash: payment.paymentHash, amount: .msat(1000), route: "score")
            #expect(!second.isFirstUse && second.remaining == .msat(500))
            await #expect(throws: LedgerError.insufficientBalance(remaining: .msat(500))) {
                try await ledger.debit(paymentHash: payment.paymentHash, amount: .msat(501), route: "score")
            }
            await #expect(throws: LedgerError.insufficientBalance(remaining: .msat(500))) {
                try await ledger.firstUse(payment: payment, amount: .msat(501), route: "score")
            }
            let last = try await ledger.debit(paymentHash: payment.paymentHash, amount: .msat(500), route: "verdict")
            #expect(last.remaining == .zero)
            for grant in [first, second, last] { try await ledger.settle(grant) }
            let credit = try await ledger.balance(paymentHash: payment.paymentHash)
            #expect(credit.remaining == .zero && credit.spent == .msat(2500) && credit.service == "oracle")
            let revenue = try await ledger.revenue(from: Date(timeIntervalSince1970: 0))
            #expect(revenue.map(\.route) == ["score", "verdict"])
            #expect(revenue.map(\.earned) == [.msat(2000), .msat(500)])
            #expect(revenue.map(\.calls) == [2, 1])
            #expect(try await ledger.revenue(from: Date(timeIntervalSinceNow: 3600)).isEmpty)
            let report = try await ledger.audit()
            #expect(report.isConsistent && report.earned == .msat(2500) && report.held == .zero)
        }
    }

    @Test("of fifty first uses at the same time, a payment that is good for one grants one")
    func racingFirstUses() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let outcomes = await race(50) {
                try await fixture.ledger.firstUse(payment: payment, amount: .msat(1000), route: "score")
            }
            #expect(outcomes.granted.count == 1)
            #expect(outcomes.refused == [LedgerError](repeating: .insufficientBalance(remaining: .zero), count: 49))
            let payments = try await fixture.number("SELECT count(*) FROM ledger_entries WHERE kind = 'pay'")
            #expect(payments == 1)
            let report = try await fixture.ledger.audit()
            #expect(report.isConsistent)
        }
    }

    @Test("of fifty later uses at the same time, a credit that is good for one more grants one")
    func racingLaterUses() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(2000)
            _ = try await fixture.ledger.firstUse(payment: payment, amount: .msat(1000), route: "score")
            let outcomes = await race(50) {
                try await fixture.ledger.debit(paymentHash: payment.paymentHash, amount: .msat(1000), route: "score")
            }
            #expect(outcomes.granted.count == 1)
            #expect(outcomes.refused.count == 49)
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("two hundred debits of one credit get two hundred different balances")
    func intermediateBalances() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(201_000)
            _ = try await fixture.ledger.firstUse(payment: payment, amount: .msat(1000), route: "score")
            let outcomes = await race(200) {
                try await fixture.ledger.debit(paymentHash: payment.paymentHash, amount: .msat(1000), route: "score")
            }
            #expect(Set(outcomes.granted.map(\.remaining.msat)) == Set((0..<200).map { Int64($0) * 1000 }))
            #expect(try await fixture.ledger.audit().held == .msat(201_000))
        }
    }

    @Test("a credit that is over grants nothing, neither the first time nor later")
    func expiry() async throws {
        try await Fixture.with { fixture in
            let past = Fixture.payment(1000, expiresAt: Date(timeIntervalSinceNow: -10))
            await #expect(throws: LedgerError.expired) {
                try await fixture.ledger.firstUse(payment: past, amount: .msat(1), route: "score")
            }
            let soon = Fixture.payment(1000, expiresAt: Date(timeIntervalSinceNow: 3600))
            _ = try await fixture.ledger.firstUse(payment: soon, amount: .msat(1), route: "score")
            try await fixture.client.execute(
                Statement("age", "UPDATE credits SET expires_at = now() - interval '1 second'")
            )
            await #expect(throws: LedgerError.expired) {
                try await fixture.ledger.debit(paymentHash: soon.paymentHash, amount: .msat(1), route: "score")
            }
            await #expect(throws: LedgerError.expired) {
                try await fixture.ledger.firstUse(payment: soon, amount: .msat(1), route: "score")
            }
            #expect(try await fixture.ledger.audit().credits == 1)
        }
    }

    @Test("amounts that are not positive are refused before anything is asked", arguments: [0, -1, Int64.min])
    func invalidAmounts(msat: Int64) async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            await #expect(throws: LedgerError.invalidAmount) {
                try await fixture.ledger.firstUse(payment: payment, amount: .msat(msat), route: "score")
            }
            await #expect(throws: LedgerError.invalidAmount) {
                try await fixture.ledger.debit(paymentHash: payment.paymentHash, amount: .msat(msat), route: "score")
            }
            await #expect(throws: LedgerError.invalidAmount) { try await fixture.ledger.open(Fixture.payment(msat)) }
        }
    }

    @Test("a payment smaller than the price is refused and makes no credit")
    func tooSmall() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(999)
            await #expect(throws: LedgerError.insufficientBalance(remaining: .msat(999))) {
                try await fixture.ledger.firstUse(payment: payment, amount: .msat(1000), route: "score")
            }
            let report = try await fixture.ledger.audit()
            #expect(report.credits == 0)
        }
    }

    @Test("a deposit can be opened any number of times and is credited once")
    func deposits() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(21_000, purpose: "deposit")
            let first = try await fixture.ledger.open(payment)
            #expect(first.isNew && first.credit.remaining == .msat(21_000) && first.credit.purpose == "deposit")
            _ = try await fixture.ledger.debit(paymentHash: payment.paymentHash, amount: .msat(1000), route: "score")
            let again = try await fixture.ledger.open(payment)
            #expect(!again.isNew && again.credit.remaining == .msat(20_000))
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("a debit whose task is cancelled leaves nothing charged")
    func cancellation() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1_000_000)
            try await fixture.ledger.open(payment)
            let tasks = (0..<100).map { _ in
                Task {
                    try await fixture.ledger.debit(paymentHash: payment.paymentHash, amount: .msat(10), route: "score")
                }
            }
            for task in tasks { task.cancel() }
            var granted = 0
            for task in tasks { if case .success = await task.result { granted += 1 } }
            // What was sent before its cancellation is given back by a batch of its own.
            while try await fixture.ledger.audit().held != .msat(Int64(granted) * 10) {}
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("entries can be neither changed nor removed, not even by us")
    func appendOnly() async throws {
        try await Fixture.with { fixture in
            _ = try await fixture.ledger.firstUse(payment: Fixture.payment(1000), amount: .msat(1), route: "score")
            for sql in [
                "UPDATE ledger_entries SET amount_msat = 2", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries",
            ] {
                await #expect(throws: PostgresError(.server(sqlState: "23000"), "")) {
                    try await fixture.client.execute(Statement("tamper", sql))
                }
            }
        }
    }

    @Test("a balance that was tampered with is found by the audit")
    func auditFindsTampering() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            _ = try await fixture.ledger.firstUse(payment: payment, amount: .msat(1), route: "score")
            try await fixture.ledger.open(Fixture.payment(5))
            #expect(try await fixture.ledger.audit().isConsistent)
            try await fixture.client.execute(
                Statement("tamper", "UPDATE credits SET spent_msat = 0 WHERE spent_msat = 1")
            )
            let report = try await fixture.ledger.audit()
            #expect(!report.isConsistent && report.mismatches == 1 && report.examples == [payment.paymentHash])
        }
    }

    @Test("without a database, callers are told whether they may try again")
    func unavailable() async throws {
        try await Fixture.with { fixture in
            await fixture.client.shutDown()
            await #expect(throws: LedgerError.storeUnavailable(retryable: false)) {
                try await fixture.ledger.debit(
                    paymentHash: Preimage.random().paymentHash,
                    amount: .msat(1),
                    route: "score"
                )
            }
        }
    }
}

/// Runs the same thing many times at once.
private func race(
    _ count: Int,
    _ body: @escaping @Sendable () async throws -> PaidGrant
) async -> (granted: [PaidGrant], refused: [LedgerError]) {
    await withTaskGroup(of: Result<PaidGrant, any Error>.self) { group in
        for _ in 0..<count {
            group.addTask {
                do { return .success(try await body()) } catch { return .failure(error) }
            }
        }
        var granted: [PaidGrant] = []
        var refused: [LedgerError] = []
        for await result in group {
            switch result {
            case .success(let grant): granted.append(grant)
            case .failure(let error as LedgerError): refused.append(error)
            case .failure(let error): Issue.record(error)
            }
        }
        return (granted, refused)
    }
}
