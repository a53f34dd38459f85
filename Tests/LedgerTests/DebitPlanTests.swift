// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LightningPrimitives
import Postgres
import Testing

@testable import Ledger

@Suite("The plan of a batch")
struct DebitPlanTests {
    private let hash = Preimage.random().paymentHash

    private func debit(_ msat: Int64, of hash: PaymentHash? = nil) -> Debit {
        Debit(
            holdID: .make(),
            paymentHash: hash ?? self.hash,
            amount: .msat(msat),
            route: "r",
            reply: Reply(cancelled: .cancelled)
        )
    }

    private func text(_ answers: [DebitPlan.Answer]) -> [String] {
        answers.map { answer in
            switch answer.outcome {
            case .success(let grant): "\(answer.debit.amount.msat) granted, \(grant.remaining.msat) left"
            case .failure(let error): "\(answer.debit.amount.msat) \(error)"
            }
        }
    }

    @Test("debits of one credit become one, and their balances are handed out in the order of arrival")
    func merged() {
        var plan = DebitPlan([debit(3), debit(1), debit(2)])
        #expect(plan.sums.map(\.amount) == [.msat(6)])
        let answers = plan.debited(hash, paid: .msat(10), spent: .msat(8))
        #expect(text(answers) == ["3 granted, 5 left", "1 granted, 4 left", "2 granted, 2 left"])
        #expect(plan.isFinished)
    }

    @Test("when the sum does not fit, those that fit in turn are tried again and the too large are refused")
    func sifted() {
        var plan = DebitPlan([debit(3), debit(9), debit(4), debit(1)])
        let refused = plan.refused(hash, .open(remaining: .msat(5)))
        #expect(text(refused) == ["9 insufficientBalance(remaining: 5 msat)"])
        // 3 and 1 fit in turn; 4 waits for what is left after them.
        #expect(plan.sums.map(\.amount) == [.msat(4)])
        let answers = plan.debited(hash, paid: .msat(10), spent: .msat(9))
        #expect(
            text(answers) == [
                "3 granted, 2 left", "1 granted, 1 left", "4 insufficientBalance(remaining: 1 msat)",
            ]
        )
        #expect(plan.isFinished)
    }

    @Test("what waits is tried again when somebody else has given value back in between")
    func laterFits() {
        var plan = DebitPlan([debit(3), debit(4)])
        #expect(plan.refused(hash, .open(remaining: .msat(5))).isEmpty)
        #expect(text(plan.debited(hash, paid: .msat(20), spent: .msat(13))) == ["3 granted, 7 left"])
        #expect(plan.sums.map(\.amount) == [.msat(4)])
        #expect(text(plan.debited(hash, paid: .msat(20), spent: .msat(17))) == ["4 granted, 3 left"])
    }

    @Test("an unknown or expired credit refuses all its debits and no others")
    func findings() {
        let other = Preimage.random().paymentHash
        var plan = DebitPlan([debit(1), debit(2, of: other), debit(3)])
        #expect(text(plan.refused(hash, .missing)) == ["1 unknownCredit", "3 unknownCredit"])
        #expect(plan.unanswered.map(\.paymentHash) == [other])
        #expect(text(plan.refused(other, .expired)) == ["2 expired"])
        #expect(plan.isFinished && plan.sums.isEmpty)
    }

    @Test("a hold's name survives its bytes and grows with time")
    func holdIDs() throws {
        let first = HoldID.make(now: .init(timeIntervalSince1970: 1_700_000_000))
        let second = HoldID.make(now: .init(timeIntervalSince1970: 1_700_000_000.002))
        #expect(HoldID(first.bytes) == first)
        #expect(first.bytes.lexicographicallyPrecedes(second.bytes))
        #expect(HoldID([UInt8](repeating: 0, count: 15)) == nil)
    }
}
