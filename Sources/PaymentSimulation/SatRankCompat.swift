// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// SatRank's score of the receiver over 100, taken as the probability to reach it.
///
/// Learns what SatRank's score can: settled payments raise it by up to a tenth.
struct SatRankCompat: Predictor {
    /// By node.
    let facts: [CompatibleNodeScore.Facts]
    private var settled: [Int: Int] = [:]

    init(facts: [CompatibleNodeScore.Facts]) { self.facts = facts }

    func probability(of payment: SimulatedPayment, time: Double) -> Double {
        var facts = facts[payment.target]
        facts.verifiedTransactions = settled[payment.target] ?? 0
        return CompatibleNodeScore(facts).score / 100
    }

    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double) {
        if refusedAt == nil { settled[payment.target, default: 0] += 1 }
    }
}
