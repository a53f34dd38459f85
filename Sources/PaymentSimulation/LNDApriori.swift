// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// LND's default estimator with its default settings.
///
/// Source: LND, `routing/probability_apriori.go`.
struct LNDApriori: Predictor {
    private static let hopProbability = 0.6
    private static let weight = 0.5
    private static let halfLife = 3600.0
    private static let successProbability = 0.95
    private static let capacityFraction = 0.9999
    private static let smearing = 0.025

    private var memory: MissionControl

    init(graph: ChannelGraph) { memory = MissionControl(graph: graph) }

    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double) {
        memory.observe(payment, refusedAt: refusedAt, time: time)
    }

    func probability(of payment: SimulatedPayment, time: Double) -> Double {
        payment.hops.reduce(1) { $0 * pair($1, Double(payment.amountMsat), time) }
    }

    private func pair(_ direction: Int32, _ amount: Double, _ time: Double) -> Double {
        let node = node(direction, amount, time)
        guard let result = memory.results[direction] else { return node }
        if result.successTime != nil, amount <= result.successMsat { return Self.successProbability }
        guard let failed = result.failTime, amount >= result.failMsat else { return node }
        return node * (1 - Self.recency(failed, time))
    }

    /// What is expected of a channel of the node of which nothing is known.
    private func node(_ direction: Int32, _ amount: Double, _ time: Double) -> Double {
        let apriori = Self.hopProbability * Self.capacityFactor(amount, memory.capacity(direction))
        let aprioriWeight = 1 / (1 - Self.weight) - 1
        var sum = apriori * aprioriWeight
        var total = aprioriWeight
        for result in memory.all(leavingSenderOf: direction) {
            if result.successMsat > 0 {
                total += 1
                sum += Self.successProbability
            } else if let failed = result.failTime {
                total += Self.recency(failed, time)
            }
        }
        return sum / total
    }

    /// Falls from 1 to 0 as the amount nears the capacity.
    private static func capacityFactor(_ amount: Double, _ capacity: Double) -> Double {
        guard amount <= capacity else { return 0 }
        return 1 - 1 / (1 + exp(-(amount - capacityFraction * capacity) / (smearing * capacity)))
    }

    private static func recency(_ then: Double, _ now: Double) -> Double { exp2(-(now - then) / halfLife) }
}
