// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import LND
import LightningPrimitives
import Postgres
import PostgresTestSupport
import ServiceChecks
import ServiceProbing
import Testing

/// Money: nothing is spent that is not written down, nothing twice, nothing beyond the budgets.
struct SpendLedgerTests {
    private static let budget = SpendBudget(perPayment: .sat(5), perCycle: .sat(50), perDay: .sat(1000))

    private static func withLedger(
        _ body: @escaping @Sendable (PostgresClient, SpendLedger) async throws -> Void
    ) async throws {
        try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 8) { client in
            try await body(client, SpendLedger(client))
        }
    }

    private static func planned(
        _ sats: Int64 = 5,
        fee: Int64 = 10,
        cycle: String = "c",
        hash: PaymentHash = Preimage.random().paymentHash
    ) -> PlannedPayment {
        PlannedPayment(
            hash: hash,
            kind: .paidProbe,
            cycle: cycle,
            endpoint: nil,
            amount: .sat(sats),
            feeLimit: .sat(fee)
        )
    }

    private static func state(_ client: PostgresClient, _ hash: PaymentHash) async throws -> String? {
        let statement = Statement.test("SELECT state FROM spend_ledger WHERE payment_hash = $1")
        return try await client.query(statement, [.bytea(hash.bytes)]).first?.text(0)
    }

    @Test("a reservation takes amount and fee limit out of all three budgets")
    func budgets() async throws {
        try await Self.withLedger { (_, ledger) async throws in
            #expect(try await ledger.reserve(Self.planned(6), within: Self.budget) == .overCap)
            for _ in 0..<3 {
                #expect(try await ledger.reserve(Self.planned(), within: Self.budget) == .reserved)
            }
            #expect(try await ledger.spent(.paidProbe, in: "c") == .sat(45))
            #expect(try await ledger.reserve(Self.planned(), within: Self.budget) == .overCycle)
            #expect(try await ledger.reserve(Self.planned(1, fee: 4), within: Self.budget) == .reserved)
            var day = Self.budget
            day.perDay = .sat(60)
            #expect(try await ledger.reserve(Self.planned(cycle: "d"), within: day) == .overDay)
            #expect(try await ledger.reserve(Self.planned(cycle: "d"), within: Self.budget) == .reserved)
            day.perDay = .zero
            #expect(try await ledger.reserve(Self.planned(cycle: "e"), within: day) == .overDay)
        }
    }

    @Test("what was really paid counts, fee included; what failed counts nothing; what is unknown counts in full")
    func ends() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let (paid, failed, unknown) = (Self.planned(), Self.planned(), Self.planned())
            for payment in [paid, failed, unknown] {
                #expect(try await ledger.reserve(payment, within: Self.budget) == .reserved)
            }
            try await ledger.settle(paid.hash, paid: .sat(5), fee: MilliSatoshi(msat: 1500))
            try await ledger.fail(failed.hash, "FAILURE_REASON_NO_ROUTE")
            try await ledger.doubt(unknown.hash, "no answer")
            #expect(try await ledger.spentToday(.paidProbe) == MilliSatoshi(msat: 6500 + 15_000))
            #expect(try await ledger.spentToday(.apiProbe) == .zero)
            // Settled money stays spent for a day and then leaves the window; what is open never does.
            try await client.execute(
                Statement.test(
                    "UPDATE spend_ledger SET created_at = created_at - interval '25 hours', "
                        + "settled_at = settled_at - interval '25 hours'"
                )
            )
            #expect(try await ledger.spentToday(.paidProbe) == .sat(15))
            // Truth wins over an earlier belief, and once.
            try await ledger.settle(failed.hash, paid: .sat(5), fee: .zero)
            try await ledger.settle(failed.hash, paid: .sat(500), fee: .zero)
            try await ledger.fail(paid.hash, "too late")
            #expect(try await ledger.spentToday(.paidProbe) == .sat(20))
            #expect(try await Self.state(client, paid.hash) == "settled")
        }
    }

    @Test("of any number of racing reservations only as many succeed as the budget holds, and each hash once")
    func races() async throws {
        try await Self.withLedger { (_, ledger) async throws in
            let same = Preimage.random().paymentHash
            let answers = try await withThrowingTaskGroup(of: SpendLedger.Reservation.self) { group in
                for index in 0..<40 {
                    let hash = index < 20 ? same : Preimage.random().paymentHash
                    group.addTask { try await ledger.reserve(Self.planned(hash: hash), within: Self.budget) }
                }
                return try await group.reduce(into: [SpendLedger.Reservation: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(answers[.reserved] == 3)
            #expect(try await ledger.spent(.paidProbe, in: "c") == .sat(45))
        }
    }

    @Test("two payers of one invoice pay it once")
    func twoPayers() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let payee = try Payee()
            let node = FakeNode(payee)
            let purse = Purse(node, ledger: ledger, logger: silent)
            let invoice = try payee.invoice(.sat(5))
            let outcomes = await withTaskGroup(of: String.self) { group in
                for cycle in 0..<8 {
                    group.addTask {
                        switch await purse.pay(
                            invoice,
                            kind: .paidProbe,
                            cycle: "\(cycle)",
                            endpoint: nil,
                            feeLimit: .sat(10),
                            budget: Self.budget
                        ) {
                        case .paid: "paid"
                        case .notPaid(let outcome, _): outcome.rawValue
                        }
                    }
                }
                return await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == "paid" }.count == 1)
            #expect(outcomes.filter { $0 == "skipped_duplicate_invoice" }.count == 7)
            #expect(node.calls == [invoice.paymentHash])
            #expect(try await ledger.spentToday(.paidProbe) == MilliSatoshi(msat: 5007))
        }
    }

    @Test("a payer that dies between the reservation and the payment is found out, and its money given back")
    func diesBeforePaying() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let payee = try Payee()
            let node = FakeNode(payee)
            let hash = try payee.invoice(.sat(5)).paymentHash
            // What is left of a process that died here: a reservation, and a node that knows of nothing.
            #expect(try await ledger.reserve(Self.planned(hash: hash), within: Self.budget) == .reserved)
            let purse = Purse(node, ledger: ledger, logger: silent)
            #expect(try await purse.resume(olderThan: 3600) == 0)
            #expect(try await Self.state(client, hash) == "reserved")
            #expect(try await purse.resume(olderThan: 0) == 1)
            #expect(try await Self.state(client, hash) == "failed")
            #expect(try await ledger.spentToday(.paidProbe) == .zero)
            // The hash is used up all the same: the invoice is never paid.
            #expect(try await ledger.reserve(Self.planned(hash: hash), within: Self.budget) == .duplicate)
            #expect(node.calls.isEmpty)
        }
    }

    @Test("a payer that dies between the payment and the booking is found out, and what was paid is booked once")
    func diesBeforeBooking() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let payee = try Payee()
            let node = FakeNode(payee)
            let invoice = try payee.invoice(.sat(5))
            let hash = invoice.paymentHash
            #expect(try await ledger.reserve(Self.planned(hash: hash), within: Self.budget) == .reserved)
            _ = try await node.pay(invoice.text, hash: hash, terms: .init(feeLimit: .sat(10)))
            let purse = Purse(node, ledger: ledger, logger: silent)
            #expect(try await purse.resume(olderThan: 0) == 1)
            #expect(try await purse.resume(olderThan: 0) == 0)
            #expect(try await Self.state(client, hash) == "settled")
            #expect(try await ledger.spentToday(.paidProbe) == MilliSatoshi(msat: 5007))
            #expect(node.calls.count == 1)
        }
    }

    @Test("a payer that is cancelled while it pays books the payment all the same")
    func cancelled() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let payee = try Payee()
            let (started, start) = AsyncStream<Void>.makeStream()
            let (released, release) = AsyncStream<Void>.makeStream()
            let node = FakeNode(payee) { _ in
                start.yield()
                for await _ in released { break }
            }
            let purse = Purse(node, ledger: ledger, logger: silent)
            let invoice = try payee.invoice(.sat(5))
            let paying = Task {
                await purse.pay(
                    invoice,
                    kind: .paidProbe,
                    cycle: "c",
                    endpoint: nil,
                    feeLimit: .sat(10),
                    budget: Self.budget
                )
            }
            for await _ in started { break }
            paying.cancel()
            release.yield()
            guard case .paid = await paying.value else {
                Issue.record("the payment was not finished")
                return
            }
            #expect(try await Self.state(client, invoice.paymentHash) == "settled")
        }
    }

    @Test("a lost answer leaves the payment unknown and its money reserved, until the node is asked")
    func lostAnswer() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let payee = try Payee()
            let node = FakeNode(payee)
            node.behave(.loseAnswer)
            let purse = Purse(node, ledger: ledger, logger: silent)
            let invoice = try payee.invoice(.sat(5))
            let payment = await purse.pay(
                invoice,
                kind: .paidProbe,
                cycle: "c",
                endpoint: nil,
                feeLimit: .sat(10),
                budget: Self.budget
            )
            guard case .notPaid(.payUnknown, _) = payment else {
                Issue.record("\(payment)")
                return
            }
            #expect(try await Self.state(client, invoice.paymentHash) == "unknown")
            #expect(try await ledger.spentToday(.paidProbe) == .sat(15))
            #expect(try await purse.resume(olderThan: 0) == 1)
            #expect(try await ledger.spentToday(.paidProbe) == MilliSatoshi(msat: 5007))
        }
    }

    @Test("what surely was not sent gives its money back at once")
    func notSent() async throws {
        try await Self.withLedger { (client, ledger) async throws in
            let payee = try Payee()
            let node = FakeNode(payee)
            let purse = Purse(node, ledger: ledger, logger: silent)
            let cases: [(FakeNode.Behaviour, String, String)] = [
                (.fail("FAILURE_REASON_NO_ROUTE"), "pay_routing_failed", "failed"),
                (.fail("FAILURE_REASON_INSUFFICIENT_BALANCE"), "pay_local_liquidity", "failed"),
                (.fail("FAILURE_REASON_TIMEOUT"), "pay_timeout", "failed"),
                (.refuse(.breakerOpen, nil), "pay_node_unavailable", "failed"),
                (.refuse(.auth, nil), "pay_node_unavailable", "failed"),
                (.refuse(.answered, .insufficientLocalBalance), "pay_local_liquidity", "failed"),
                (.refuse(.answered, .invoiceExpired), "pay_other_failure", "failed"),
                (.refuse(.answered, .unclassified), "pay_unknown", "unknown"),
                (.refuse(.answered, .alreadyPaid), "pay_unknown", "unknown"),
                (.refuse(.cancelled, nil), "pay_unknown", "unknown"),
            ]
            for (index, (behaviour, outcome, state)) in cases.enumerated() {
                node.behave(behaviour)
                let invoice = try payee.invoice(.sat(5))
                let payment = await purse.pay(
                    invoice,
                    kind: .paidProbe,
                    cycle: "\(index)",
                    endpoint: nil,
                    feeLimit: .sat(10),
                    budget: Self.budget
                )
                guard case .notPaid(let found, _) = payment else {
                    Issue.record("\(outcome): \(payment)")
                    continue
                }
                #expect(found.rawValue == outcome)
                #expect(try await Self.state(client, invoice.paymentHash) == state, "\(outcome)")
            }
        }
    }
}
