// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Gateway
import Ledger
import LightningPrimitives
import Logging
import Postgres
import PostgresTestSupport
import ServiceProbing
import Testing

/// Money of callers whose probe took longer than they waited.
struct ProbeRefundsTests {
    private static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static let prices = ProbePrices(base: .sat(5), look: .sat(1), maximum: .sat(1000), feeLimit: .sat(10))

    /// A caller with 100 sat who was charged 20 sat for a probe that then ended in some way; returns what is left.
    private static func balance(after ending: String, settles: Bool = true) async throws -> [Int64] {
        try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
            let ledger = Ledger(client: client, configuration: LedgerConfiguration(), logger: silent)
            let hash = Preimage.random().paymentHash
            let payment = SettledPayment(
                paymentHash: hash,
                tokenID: Preimage.random().bytes,
                service: "assay",
                tier: 0,
                purpose: "call",
                paid: .sat(100),
                expiresAt: nil
            )
            let grant = try await ledger.firstUse(payment: payment, amount: .sat(20), route: "probe")
            let requests = ProbeRequestStore(client)
            let order = ProbeOrder(
                url: "https://a.example/",
                isDryRun: false,
                includesCredential: false,
                maximum: .sat(5),
                feeLimit: .sat(10),
                holder: nil
            )
            try await requests.submit(order)
            #expect(try await requests.noteCharge(order.id, .sat(20), hold: grant.hold))
            #expect(try await !requests.noteCharge(order.id, .sat(20), hold: grant.hold))
            if settles { try await ledger.settle(grant) }
            let refunds = ProbeRefunds(store: requests, ledger: ledger, prices: prices, logger: silent)
            var balances: [Int64] = []
            for step in ["", ending, "", ""] {
                if !step.isEmpty {
                    try await client.execute(Statement("test.end", "UPDATE probe_requests SET \(step)"))
                }
                await refunds.refundAll()
                let credit = try await ledger.balance(paymentHash: hash)
                balances.append(credit.remaining.satFloor)
                if !settles, step == ending { try await ledger.settle(grant) }
            }
            return balances
        }
    }

    @Test("what a probe has not used is given back once, when it has ended")
    func used() async throws {
        let done = "state = 'done', result = '{}', spent_msat = 3007, billing = 'probe'"
        #expect(try await Self.balance(after: done) == [80, 91, 91, 91])
    }

    @Test("a probe that bought nothing costs a look, one that failed on our side nothing")
    func unused() async throws {
        let look = "state = 'done', result = '{}', spent_msat = 0, billing = 'look'"
        #expect(try await Self.balance(after: look) == [80, 99, 99, 99])
        let none = "state = 'done', result = '{}', spent_msat = 0, billing = 'none'"
        #expect(try await Self.balance(after: none) == [80, 100, 100, 100])
        #expect(try await Self.balance(after: "state = 'dropped'") == [80, 100, 100, 100])
    }

    @Test("a charge that is not earned yet is made good later")
    func early() async throws {
        let done = "state = 'done', result = '{}', spent_msat = 3007, billing = 'probe'"
        #expect(try await Self.balance(after: done, settles: false) == [80, 80, 91, 91])
    }
}
