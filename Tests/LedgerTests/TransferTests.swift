// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LightningPrimitives
import Testing

@testable import Ledger

@Suite("Carried balances and refunds")
struct TransferTests {
    @Test("what is left is carried over once, and the old credit is closed and revoked")
    func carry() async throws {
        try await Fixture.with { fixture in
            let old = Fixture.payment(1000)
            let grant = try await fixture.ledger.firstUse(payment: old, amount: .msat(300), route: "r")
            try await fixture.ledger.settle(grant)
            let new = Fixture.payment(50)
            #expect(try await fixture.ledger.open(new, carryingFrom: old.paymentHash) == .msat(700))
            #expect(try await fixture.ledger.open(new, carryingFrom: old.paymentHash) == nil)
            #expect(try await fixture.ledger.balance(paymentHash: new.paymentHash).remaining == .msat(750))
            #expect(try await fixture.ledger.balance(paymentHash: old.paymentHash).remaining == .zero)
            await #expect(throws: LedgerError.closed) {
                _ = try await fixture.ledger.debit(paymentHash: old.paymentHash, amount: .msat(1), route: "r")
            }
            #expect(try await fixture.number("SELECT count(*) FROM revocations") == 1)
            // A second replacement of the same credit gets nothing.
            let late = Fixture.payment(50)
            #expect(try await fixture.ledger.open(late, carryingFrom: old.paymentHash) == .zero)
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("nothing is carried while requests are under way, so that what they give back is not lost")
    func busy() async throws {
        try await Fixture.with { fixture in
            let old = Fixture.payment(1000)
            let grant = try await fixture.ledger.firstUse(payment: old, amount: .msat(300), route: "r")
            let new = Fixture.payment(50)
            await #expect(throws: LedgerError.busy) {
                _ = try await fixture.ledger.open(new, carryingFrom: old.paymentHash)
            }
            await #expect(throws: LedgerError.unknownCredit) {
                _ = try await fixture.ledger.balance(paymentHash: new.paymentHash)
            }
            try await fixture.ledger.release(grant)
            #expect(try await fixture.ledger.open(new, carryingFrom: old.paymentHash) == .msat(1000))
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("of racing replacements one gets the balance, whoever spends of it meanwhile")
    func racing() async throws {
        try await Fixture.with { fixture in
            for _ in 0..<10 {
                let old = Fixture.payment(1000)
                try await fixture.ledger.open(old)
                let carried = try await withThrowingTaskGroup(of: Int64.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            let new = Fixture.payment(1)
                            while true {
                                do {
                                    let carried = try await fixture.ledger.open(new, carryingFrom: old.paymentHash)
                                    return carried?.msat ?? 0
                                } catch LedgerError.busy {}
                            }
                        }
                        group.addTask {
                            do {
                                let grant = try await fixture.ledger.debit(
                                    paymentHash: old.paymentHash,
                                    amount: .msat(10),
                                    route: "r"
                                )
                                try await fixture.ledger.settle(grant)
                                return 10
                            } catch LedgerError.closed, LedgerError.insufficientBalance { return 0 }
                        }
                    }
                    return try await group.reduce(0, +)
                }
                #expect(carried == 1000)
            }
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("a refund gives back what was earned, once per order, and takes it from the route's revenue")
    func refund() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let hash = payment.paymentHash
            let earned = try await fixture.ledger.firstUse(payment: payment, amount: .msat(300), route: "r")
            try await fixture.ledger.settle(earned)
            let held = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(200), route: "r")
            await #expect(throws: LedgerError.notEarned) {
                _ = try await fixture.ledger.refund(paymentHash: hash, amount: .msat(301), route: nil, reference: "a")
            }
            for isNew in [true, false] {
                let answer = try await fixture.ledger.refund(
                    paymentHash: hash,
                    amount: .msat(100),
                    route: nil,
                    reference: "b"
                )
                #expect(answer.isNew == isNew && answer.remaining == .msat(600))
            }
            try await fixture.ledger.release(held)
            #expect(try await fixture.ledger.balance(paymentHash: hash).remaining == .msat(800))
            let revenue = try await fixture.ledger.revenue(from: .distantPast)
            #expect(revenue == [RouteRevenue(route: "r", earned: .msat(200), calls: 1)])
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("work that cost less than was held is charged what it cost, in one step, and once")
    func metered() async throws {
        try await Fixture.with { fixture in
            let payment = Fixture.payment(1000)
            let hash = payment.paymentHash
            try await fixture.ledger.open(payment)
            let limit = SpendingLimit(key: [UInt8](repeating: 1, count: 32), amount: .msat(500))
            let grant = try await fixture.ledger.debit(
                paymentHash: hash,
                amount: .msat(400),
                route: "r",
                within: [limit]
            )
            await #expect(throws: LedgerError.invalidAmount) {
                try await fixture.ledger.settle(grant, charging: .msat(401))
            }
            for _ in 0..<2 { try await fixture.ledger.settle(grant, charging: .msat(150)) }
            #expect(try await fixture.ledger.balance(paymentHash: hash).spent == .msat(150))
            #expect(try await fixture.ledger.used([limit.key])[limit.key]?.spent == .msat(150))
            let free = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(400), route: "r")
            try await fixture.ledger.settle(free, charging: .zero)
            #expect(try await fixture.ledger.balance(paymentHash: hash).spent == .msat(150))
            #expect(try await fixture.ledger.revenue(from: .distantPast).map(\.earned) == [.msat(150)])
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test(
        "a rate makes a price that is rounded up to the msat",
        arguments: [
            (1000, 1_000_000, 1000), (1000, 500_000, 500), (1, 50_000, 1), (1001, 200_000, 201), (5000, 50_000, 250),
        ]
    )
    func rates(list: Int64, rate: Int32, price: Int64) {
        #expect(Credit.price(.msat(list), ratePPM: rate) == .msat(price))
    }

    @Test("a schedule gives a deposit the tier whose minimum it reaches, by what was really paid")
    func schedule() throws {
        let standard = DepositSchedule.standard
        let rates = [21, 999, 1000, 9999, 10_000, 100_000, 1_000_000].map { standard.tier(for: .sat($0)).ratePPM }
        #expect(rates == [1_000_000, 1_000_000, 500_000, 500_000, 200_000, 100_000, 50_000])
        #expect(try DepositSchedule(parsing: "21:1,1000:0.5", maximumSats: 5000).tiers.count == 2)
        for text in ["", "x", "21", "21:0", "21:2", "1000:1,21:0.5", "21:0.5,1000:1", "0:1"] {
            #expect(throws: DepositSchedule.Invalid.self) { try DepositSchedule(parsing: text, maximumSats: 5000) }
        }
    }
}
