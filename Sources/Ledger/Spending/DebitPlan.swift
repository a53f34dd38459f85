// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Postgres

/// One caller's wish to spend.
struct Debit: Sendable {
    let holdID: HoldID
    let paymentHash: PaymentHash
    let amount: MilliSatoshi
    let route: String
    let reply: Reply<PaidGrant, LedgerError>

    func grant(paid: MilliSatoshi, remaining: MilliSatoshi, isFirstUse: Bool = false) -> PaidGrant {
        PaidGrant(
            holdID: holdID,
            paymentHash: paymentHash,
            amount: amount,
            route: route,
            paid: paid,
            remaining: remaining,
            isFirstUse: isFirstUse
        )
    }
}

/// Who gets what out of a batch of debits: the state between the batch's statements.
///
/// All debits of a credit are tried together. When their sum does not fit, those that fit one after the other are tried
/// again, those larger than what is left are refused, and the rest waits for the next balance. So each round grants or
/// refuses at least one debit of every credit, unless somebody else spends at the same time.
struct DebitPlan {
    typealias Answer = (debit: Debit, outcome: Result<PaidGrant, LedgerError>)

    /// Why a credit was not debited.
    enum Finding: Sendable {
        case missing
        case expired
        case closed
        case open(remaining: MilliSatoshi)
    }

    private struct Share {
        /// In the next statement, in arrival order.
        var candidates: [Debit]
        /// Not before the balance is known again.
        var later: [Debit] = []
        var sum: MilliSatoshi { candidates.reduce(.zero) { $0 + $1.amount } }
    }

    private var shares: [PaymentHash: Share] = [:]

    init(_ debits: [Debit]) {
        for debit in debits { shares[debit.paymentHash, default: Share(candidates: [])].candidates.append(debit) }
    }

    /// The credits to debit next with the sum of their debits.
    var sums: [(paymentHash: PaymentHash, amount: MilliSatoshi)] {
        shares.compactMap { hash, share in share.candidates.isEmpty ? nil : (hash, share.sum) }
    }

    /// The debits behind `sums`.
    var candidates: [Debit] { shares.values.flatMap(\.candidates) }

    /// Every debit that has no answer yet.
    var unanswered: [Debit] { shares.values.flatMap { $0.candidates + $0.later } }

    var isFinished: Bool { shares.isEmpty }

    /// A credit was debited by the sum of its candidates.
    mutating func debited(_ paymentHash: PaymentHash, paid: MilliSatoshi, spent: MilliSatoshi) -> [Answer] {
        guard let share = shares.removeValue(forKey: paymentHash) else { return [] }
        var remaining = paid - spent + share.sum
        var answers: [Answer] = []
        for debit in share.candidates {
            remaining = remaining - debit.amount
            answers.append((debit, .success(debit.grant(paid: paid, remaining: remaining))))
        }
        return answers + sift(share.later, remaining: remaining, of: paymentHash)
    }

    /// A credit was not debited, for this reason.
    mutating func refused(_ paymentHash: PaymentHash, _ finding: Finding) -> [Answer] {
        guard let share = shares.removeValue(forKey: paymentHash) else { return [] }
        let debits = share.candidates + share.later
        switch finding {
        case .missing: return debits.map { ($0, .failure(.unknownCredit)) }
        case .expired: return debits.map { ($0, .failure(.expired)) }
        case .closed: return debits.map { ($0, .failure(.closed)) }
        case .open(let remaining): return sift(debits, remaining: remaining, of: paymentHash)
        }
    }

    /// Refuses what is too large and plans the rest.
    private mutating func sift(
        _ debits: [Debit],
        remaining: MilliSatoshi,
        of paymentHash: PaymentHash
    ) -> [Answer] {
        var share = Share(candidates: [])
        var refused: [Answer] = []
        var room = remaining
        for debit in debits {
            if debit.amount > remaining {
                refused.append((debit, .failure(.insufficientBalance(remaining: remaining))))
            } else if debit.amount <= room {
                share.candidates.append(debit)
                room = room - debit.amount
            } else {
                share.later.append(debit)
            }
        }
        if !share.candidates.isEmpty { shares[paymentHash] = share }
        return refused
    }
}
