// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import LightningPrimitives
import Postgres
import Testing

@testable import Ledger

@Suite("Limits of narrowed tokens")
struct LimitTests {
    private func limit(_ name: UInt8, uses: Int64? = nil, msat: Int64? = nil) -> SpendingLimit {
        SpendingLimit(key: [UInt8](repeating: name, count: 32), uses: uses, amount: msat.map { .msat($0) })
    }

    private func opened(_ fixture: Fixture, _ msat: Int64 = 100_000) async throws -> PaymentHash {
        let payment = Fixture.payment(msat)
        try await fixture.ledger.open(payment)
        return payment.paymentHash
    }

    @Test("of racing debits as many are granted as the limit allows, and the rest leaves no trace")
    func racing() async throws {
        try await Fixture.with { fixture in
            let hash = try await opened(fixture)
            let limits = [limit(1, uses: 7)]
            let granted = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        do {
                            _ = try await fixture.ledger.debit(
                                paymentHash: hash,
                                amount: .msat(10),
                                route: "r",
                                within: limits
                            )
                            return true
                        } catch LedgerError.limitReached { return false }
                    }
                }
                return try await group.reduce(into: 0) { count, isGranted in count += isGranted ? 1 : 0 }
            }
            #expect(granted == 7)
            #expect(try await fixture.ledger.balance(paymentHash: hash).spent == .msat(70))
            #expect(try await fixture.number("SELECT uses FROM token_uses") == 7)
            #expect(try await fixture.ledger.audit().isConsistent)
        }
    }

    @Test("a released use counts no more, whether it was released or swept")
    func released() async throws {
        try await Fixture.with { fixture in
            let hash = try await opened(fixture)
            let limits = [limit(1, uses: 1), limit(2, msat: 25)]
            for _ in 0..<3 {
                let grant = try await fixture.ledger.debit(
                    paymentHash: hash,
                    amount: .msat(20),
                    route: "r",
                    within: limits
                )
                try await fixture.ledger.release(grant)
            }
            let kept = try await fixture.ledger.debit(
                paymentHash: hash,
                amount: .msat(20),
                route: "r",
                within: limits
            )
            try await fixture.ledger.settle(kept)
            await #expect(throws: LedgerError.limitReached) {
                _ = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(1), route: "r", within: limits)
            }
            let used = try await fixture.ledger.used(limits.map(\.key))
            #expect(used.values.map(\.uses) == [1, 1])
            #expect(used.values.map(\.spent) == [.msat(20), .msat(20)])
        }
    }

    @Test("a limit shared by two tokens is shared, and one that is not does not touch the other")
    func shared() async throws {
        try await Fixture.with { fixture in
            let hash = try await opened(fixture)
            let (parent, child, other) = (limit(1, uses: 2), limit(2, uses: 5), limit(3, uses: 1))
            for limits in [[parent, child], [parent], [other]] {
                _ = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(1), route: "r", within: limits)
            }
            await #expect(throws: LedgerError.limitReached) {
                _ = try await fixture.ledger.debit(
                    paymentHash: hash,
                    amount: .msat(1),
                    route: "r",
                    within: [parent, child]
                )
            }
            _ = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(1), route: "r", within: [child])
        }
    }

    @Test("a credit that is missing or too small says so before a limit is touched")
    func refusals() async throws {
        try await Fixture.with { fixture in
            let hash = try await opened(fixture, 5)
            let limits = [limit(1, uses: 1)]
            await #expect(throws: LedgerError.insufficientBalance(remaining: .msat(5))) {
                _ = try await fixture.ledger.debit(paymentHash: hash, amount: .msat(6), route: "r", within: limits)
            }
            await #expect(throws: LedgerError.unknownCredit) {
                let other = Preimage.random().paymentHash
                _ = try await fixture.ledger.debit(paymentHash: other, amount: .msat(6), route: "r", within: limits)
            }
            #expect(try await fixture.number("SELECT count(*) FROM token_uses") == 0)
        }
    }
}
