// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Logging
import Postgres
import PostgresTestSupport
import Subprocess
import Testing

@testable import Ledger

@Suite("Holds")
struct HoldTests {
    @Test("a settled hold is earned once, however often it is settled or released afterwards")
    func settleOnce() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let grant = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "score")
            for _ in 0..<3 { try await fixture.ledger.settle(grant) }
            #expect(try await fixture.ledger.release(grant) == false)
            #expect(try await fixture.ledger.balance(paymentHash: payment.paymentHash).remaining == .msat(600))
            let report = try await fixture.ledger.audit()
            #expect(report.isConsistent && report.earned == .msat(400))
        }
    }

    @Test("a released hold goes back once, and settling it afterwards is refused")
    func releaseOnce() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let grant = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "score")
            for _ in 0..<3 { #expect(try await fixture.ledger.release(grant)) }
            await #expect(throws: LedgerError.expired) { try await fixture.ledger.settle(grant) }
            #expect(try await fixture.ledger.balance(paymentHash: payment.paymentHash).remaining == .msat(1000))
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("settling and releasing the same hold at the same time ends it in exactly one way")
    func settleAgainstRelease() async throws {
        try await Fixture.with { fixture in
            for _ in 0..<20 {
                let payment = Fixture.payment(1000)
                let grant = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "score")
                let settling = Task { () -> Bool in
                    do {
                        try await fixture.ledger.settle(grant)
                        return true
                    } catch { return false }
                }
                let isReleased = try await fixture.ledger.release(grant)
                #expect(await settling.value != isReleased)
            }
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("the sweeper gives back what is overdue and nothing else")
    func sweep() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            _ = try await fixture.ledger.firstUse(payment: payment, amount: .msat(400), route: "score")
            #expect(try await fixture.ledger.sweep() == 0)
            let hasty = Ledger(
                client: fixture.client,
                configuration: LedgerConfiguration(holdLifetime: .zero),
                logger: TestDatabase.silentLogger
            )
            let overdue = try await hasty.debit(paymentHash: payment.paymentHash, amount: .msat(100), route: "score")
            #expect(try await fixture.ledger.sweep() == 1)
            #expect(try await fixture.ledger.balance(paymentHash: payment.paymentHash).remaining == .msat(600))
            await #expect(throws: LedgerError.expired) { try await fixture.ledger.settle(overdue) }
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("a sweeper service empties more than one batch and ends when it is told")
    func sweeperService() async throws {
        try await Fixture.with(holdLifetime: .zero) { fixture in
            let payment = Fixture.payment(1_000_000)
            try await fixture.ledger.open(payment)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<1200 {
                    group.addTask {
                        _ = try await fixture.ledger.debit(
                            paymentHash: payment.paymentHash,
                            amount: .msat(1),
                            route: "score"
                        )
                    }
                }
                try await group.waitForAll()
            }
            let sweeper = HoldSweeper(
                ledger: fixture.ledger,
                interval: .seconds(3600),
                logger: TestDatabase.silentLogger
            )
            let service = Task { try await sweeper.run() }
            while try await fixture.number("SELECT count(*) FROM holds") > 0 {}
            service.cancel()
            try await service.value
            #expect(try await fixture.ledger.balance(paymentHash: payment.paymentHash).spent == .zero)
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("what a process held when it was killed is back after the sweep, to the msat")
    func killedProcess() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1_000_000)
            try await fixture.ledger.open(payment)
            let probe = try #require(CommandLine.arguments.first).split(separator: "/").dropLast().joined(
                separator: "/"
            )
            _ = try await Subprocess.run(
                .name("LedgerCrashProbe"),
                arguments: [fixture.url, payment.paymentHash.hex, "10"],
                environment: .inherit.updating(["PATH": "/\(probe)"]),
                input: .none,
                output: .sequence,
                error: .discarded
            ) { execution in
                var held = 0
                for try await line in execution.standardOutput.strings() where line.contains("held") {
                    held += 1
                    if held == 100 { try execution.send(signal: .kill) }
                }
                #expect(held >= 100)
            }
            // The server may still be at the last statement of the dead.
            while try await fixture.number(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'probe' AND datname = current_database()"
            ) > 0 {}
            let before = try await fixture.ledger.audit()
            #expect(before.isConsistent && before.held >= .msat(1000) && before.earned == .zero)
            while try await fixture.ledger.sweep() > 0 {}
            #expect(try await fixture.ledger.balance(paymentHash: payment.paymentHash).remaining == .msat(1_000_000))
            let after = try await fixture.ledger.audit()
            #expect(after.isConsistent && after.held == .zero && after.spent == .zero)
        }
    }
}
