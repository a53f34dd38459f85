// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph

/// A method that says how likely a payment is to arrive, and may learn from the sender's own payments.
protocol Predictor: Sendable {
    /// The probability that an attempt arrives, 0 to 1.
    func probability(of payment: SimulatedPayment, time: Double) -> Double

    /// Learns from an attempt: the position of the hop that refused, or `nil` when it arrived.
    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double)
}

extension SimulatedPayment {
    /// The hops of which an attempt has shown something, with whether they carried the amount.
    func known(refusedAt: Int?) -> [(direction: Int32, carried: Bool)] {
        hops.prefix((refusedAt ?? hops.count) + 1).enumerated().map { ($1, $0 != refusedAt) }
    }
}

/// What competes.
public enum PredictorName: String, Sendable, Hashable, CaseIterable, Codable {
    case capacityOnly = "capacity_only"
    case lndApriori = "lnd_apriori"
    case lndBimodal = "lnd_bimodal"
    case satrankCompat = "satrank_compat"
    case ours

    func make(for network: SimulatedNetwork) -> any Predictor {
        switch self {
        case .capacityOnly: CapacityOnly(graph: network.graph)
        case .lndApriori: LNDApriori(graph: network.graph)
        case .lndBimodal: LNDBimodal(graph: network.graph)
        case .satrankCompat: SatRankCompat(facts: network.compatible)
        case .ours: LearningPredictor(view: network.view)
        }
    }
}

/// Every balance is equally likely: (c + 1 - a)/(c + 1) per hop, in sat (Pickhardt and Richter, 2021).
///
/// Never learns.
struct CapacityOnly: Predictor {
    let graph: ChannelGraph

    func probability(of payment: SimulatedPayment, time: Double) -> Double {
        payment.hops.reduce(1) { product, direction in
            let capacity = Double(graph.channels[Int(direction >> 1)].capacitySat)
            return product * max(0, (capacity + 1 - Double(payment.amountMsat) / 1000) / (capacity + 1))
        }
    }

    mutating func observe(_ payment: SimulatedPayment, refusedAt: Int?, time: Double) {}
}
