// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// LND's bimodal estimator with its default settings.
///
/// Source: LND, `routing/probability_bimodal.go`.
struct LNDBimodal: Predictor {
    /// Weight of other channels of the same node.
    private static let nodeWeight = 0.2

    private let liquidity = BimodalLiquidity()
    private var memory: MissionControl

    init(graph: ChannelGraph) { memory = MissionControl(graph: graph) }

    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double) {
        memory.observe(payment, refusedAt: refusedAt, time: time)
    }

    func probability(of payment: SimulatedPayment, time: Double) -> Double {
        payment.hops.reduce(1) { $0 * hop($1, Double(payment.amountMsat), time) }
    }

    private func hop(_ direction: Int32, _ amount: Double, _ time: Double) -> Double {
        let capacity = memory.capacity(direction)
        let result = memory.results[direction]
        var (success, failure) = (0.0, capacity)
        if let result {
            if let then = result.successTime {
                success = liquidity.decayed(success: result.successMsat, age: time - then)
            }
            if let then = result.failTime {
                failure = liquidity.decayed(
                    failure: min(result.failMsat, capacity),
                    capacity: capacity,
                    age: time - then
                )
            }
        }
        let direct = liquidity.probability(amount: amount, capacity: capacity, success: success, failure: failure)
        let newest = [result?.successTime, result?.failTime].compactMap { $0 }.max()
        if let newest, time - newest < liquidity.decaySeconds { return direct }
        return mixed(direct, direction, time)
    }

    /// Mixes in how other channels of the node did.
    private func mixed(_ direct: Double, _ direction: Int32, _ time: Double) -> Double {
        var (sum, total) = (direct, 1.0)
        for result in memory.others(besides: direction) {
            if let then = result.successTime {
                let weight = Self.nodeWeight * exp(-(time - then) / liquidity.decaySeconds)
                sum += weight
                total += weight
            }
            if let then = result.failTime {
                total += Self.nodeWeight * exp(-(time - then) / liquidity.decaySeconds)
            }
        }
        return sum / total
    }
}
