// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import LightningPrimitives
import Postgres
import PostgresTestSupport
import ServiceProbing
import Testing

@testable import Gateway

/// Whatever happens between a probe's charge and its end, and in whatever order: no money is made and none is lost.
@Suite("Charges of probes")
struct ProbeChargeTests {
    /// What can happen to an order whose caller does not wait; the process may die after any of it.
    private enum Event: String, CaseIterable {
        /// The charge is noted with the order.
        case note
        /// The hold is settled, as the answer goes out.
        case settle
        /// The hold is given back, because its process has died or was too late.
        case release
        /// The probe ends.
        case end
        /// Refunds are looked for.
        case refund
    }

    private static let prices = ProbePrices(base: .sat(5), look: .sat(1), maximum: .sat(1000), feeLimit: .sat(10))
    /// What other requests have spent of the same credit: it must not be given back.
    private static let other = MilliSatoshi.sat(40)
    private static let held = MilliSatoshi.sat(20)

    /// Every order of every subset: a process that dies leaves the rest out.
    private static let histories: [[Event]] = {
        var all: [[Event]] = [[]]
        var longest: [[Event]] = [[]]
        for _ in Event.allCases {
            longest = longest.flatMap { history in
                Event.allCases.filter { !history.contains($0) }.map { history + [$0] }
            }
            all += longest
        }
        return all
    }()

    private struct Caller {
        let ledger: Ledger
        let requests: ProbeRequestStore
        let refunds: ProbeRefunds
        let grant: PaidGrant
        let order: ProbeOrder

        /// A caller with 100 sat of which 40 are spent on something else and 20 held for a probe.
        init(_ client: PostgresClient) async throws {
            ledger = Ledger(
                client: client,
                configuration: LedgerConfiguration(),
                logger: TestDatabase.silentLogger
            )
            requests = ProbeRequestStore(client)
            refunds = ProbeRefunds(
                store: requests,
                ledger: ledger,
                prices: prices,
                logger: TestDatabase.silentLogger
            )
            let payment = SettledPayment(
                paymentHash: Preimage.random().paymentHash,
                tokenID: Preimage.random().bytes,
                service: "assay",
                tier: 0,
                purpose: "call",
                paid: .sat(100),
                expiresAt: nil
            )
            try await ledger.settle(ledger.firstUse(payment: payment, amount: other, route: "score"))
            grant = try await ledger.debit(paymentHash: payment.paymentHash, amount: held, route: "probe")
            order = ProbeOrder(
                url: "https://a.example/",
                isDryRun: false,
                includesCredential: false,
                maximum: .sat(5),
                feeLimit: .sat(10),
                holder: nil
            )
            try await requests.submit(order, limits: ProbeLimits(perHour: .max, perHolderAndHour: .max))
        }

        func happen(_ event: Event, _ client: PostgresClient) async throws {
            switch event {
            case .note: _ = try await requests.noteCharge(order.id, grant.amount, hold: grant.hold)
            case .settle: do { try await ledger.settle(grant) } catch LedgerError.expired {}
            case .release: _ = try await ledger.release(grant)
            case .end:
                let end = Statement(
                    "test.end",
                    """
                    UPDATE probe_requests SET state = 'done', result = '{}', spent_msat = 3007, billing = 'probe',
                        finished_at = now() WHERE id = $1
                    """
                )
                try await client.execute(end, [.bytea(order.id.bytes)])
            case .refund: await refunds.refundAll()
            }
        }

        var remaining: MilliSatoshi {
            get async throws { try await ledger.balance(paymentHash: grant.paymentHash).remaining }
        }
    }

    /// What must be left: nothing is paid for a hold that went back; of one that was settled, all or what is due.
    private static func expected(_ history: [Event]) -> MilliSatoshi {
        let free = MilliSatoshi.sat(100) - other
        let ending = history.first { $0 == .settle || $0 == .release }
        guard let ending else { return free - held }
        guard ending == .settle else { return free }
        // Charged in full: what is not used goes back if the charge was noted before the result was there.
        let place = { (event: Event) in history.firstIndex(of: event) ?? .max }
        let isOwed = place(.note) < place(.end) && history.contains(.end)
        return isOwed ? free - .sat(5) - MilliSatoshi(msat: 3007) : free - held
    }

    @Test(
        "a refund follows the charge that this order has settled, and nothing else, in every order of what can happen"
    )
    func everyOrder() async throws {
        #expect(Self.histories.count == 326)
        try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
            for history in Self.histories {
                let caller = try await Caller(client)
                for event in history { try await caller.happen(event, client) }
                // Those that are repeated until they work.
                for _ in 0..<2 { await caller.refunds.refundAll() }
                #expect(try await caller.remaining == Self.expected(history), "\(history.map(\.rawValue))")
                // A process that has died leaves its hold to the sweeper, which gives it back.
                if try await caller.ledger.release(caller.grant), history.contains(.end) {
                    await caller.refunds.refundAll()
                    #expect(try await caller.remaining == .sat(100) - Self.other, "\(history.map(\.rawValue))")
                }
            }
            let report = try await Ledger(
                client: client,
                configuration: LedgerConfiguration(),
                logger: TestDatabase.silentLogger
            ).audit()
            #expect(report.isConsistent)
        }
    }

    @Test("settling, giving back and refunding at the same time make no money and lose none")
    func atTheSameTime() async throws {
        try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 6) { client in
            for round in 0..<30 {
                let caller = try await Caller(client)
                try await caller.happen(.note, client)
                try await caller.happen(.end, client)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for event in [Event.refund, .settle, .refund, .release, .refund].shuffled() {
                        group.addTask { try await caller.happen(event, client) }
                    }
                    try await group.waitForAll()
                }
                await caller.refunds.refundAll()
                let isSettled = try await !caller.ledger.release(caller.grant)
                let expected = Self.expected([.note, .end, isSettled ? .settle : .release])
                #expect(try await caller.remaining == expected, "round \(round)")
                #expect(try await caller.requests.refundsDue().isEmpty)
            }
        }
    }

    @Test("no two orders are made good for one charge")
    func oneOrder() async throws {
        try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
            let first = try await Caller(client)
            let second = try await Caller(client)
            try await first.happen(.note, client)
            await #expect(throws: PostgresError.self) {
                _ = try await second.requests.noteCharge(second.order.id, .sat(20), hold: first.grant.hold)
            }
        }
    }
}
