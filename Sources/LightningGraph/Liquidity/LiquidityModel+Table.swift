// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

extension LiquidityModel {
    /// The probability of every direction of a graph for several amounts: that the money suffices and the next node
    /// answers.
    ///
    /// Channels nobody has tried need no look at each hypothesis: what these say is linear in the masses near the ends,
    /// so the hypotheses are added up once for a direction.
    /// - Complexity: about 40 ms for four amounts on mainnet.
    public func probabilities(
        in view: LiquidityView,
        amounts: [MilliSatoshi],
        time: Double
    ) -> [HopProbabilities] {
        let graph = view.graph
        let nodes = graph.nodes.indices.map { state.nodes[graph.nodes[$0].id] }
        let kinds = (0..<NodeGroup.count).map { self.kinds(group: $0) }
        let available = nodes.indices.map { index in
            let kinds = kinds[Int(view.group[index])]
            return nodes[index]?.availability(kinds: kinds, time: time) ?? (kinds * NodeBelief.up).total
        }
        let mixture = HypothesisMixture(weights)
        var values = amounts.map { _ in [Double](repeating: 0, count: graph.channels.count * 2) }
        for (index, channel) in graph.channels.enumerated() {
            let capacity = Double(channel.capacitySat) * 1000
            let (first, second) = (Int(channel.node1), Int(channel.node2))
            if state.channels[channel.id.rawValue] != nil {
                for (tier, amount) in amounts.enumerated() {
                    for side in 0..<2 {
                        let place = view.place(Int32(index * 2 + side))
                        let liquidity = forecast(place, amountMsat: amount.msat, time: time).liquidity
                        values[tier][index * 2 + side] = liquidity * available[side == 0 ? second : first]
                    }
                }
                continue
            }
            guard capacity > 0 else { continue }
            let tilt = (nodes[first]?.lean ?? 0) - (nodes[second]?.lean ?? 0)
            let odds = Self.slopes * view.lean(from: channel.node1, to: channel.node2) + tilt
            let ends = mixture.ends(EndWeights(odds: odds))
            let shapes = BalanceShapes(capacity: capacity)
            for (tier, amount) in amounts.enumerated() where Double(amount.msat) <= capacity {
                let there = ends.mass(shapes.masses(below: Double(amount.msat)))
                let back = ends.mass(shapes.masses(below: capacity - Double(amount.msat)))
                values[tier][index * 2] = (1 - there) * available[second]
                values[tier][index * 2 + 1] = back * available[first]
            }
        }
        return zip(amounts, values).map { HopProbabilities(amount: $0, values: $1) }
    }
}

/// The hypotheses added up by what they have in common: side, slope and scale.
private struct HypothesisMixture {
    /// By slope and scale, for ``BalanceHypothesis/Side/either`` and for ``BalanceHypothesis/Side/larger``.
    private var either = [BalanceShapes.Lanes](repeating: .zero, count: 4)
    private var larger = [BalanceShapes.Lanes](repeating: .zero, count: 4)

    init(_ weights: [Double]) {
        for (hypothesis, weight) in zip(BalanceHypothesis.all, weights) {
            switch hypothesis.side {
            case .either: either[hypothesis.slope][hypothesis.scale] += weight * hypothesis.share
            case .larger: larger[hypothesis.slope][hypothesis.scale] += weight * hypothesis.share
            }
        }
    }

    /// The masses near the ends of one channel, by scale; what is left is uniform.
    struct Ends {
        var low: BalanceShapes.Lanes
        var high: BalanceShapes.Lanes

        func mass(_ masses: BalanceShapes.Masses) -> Double {
            let near = (low * masses.low + high * masses.high).sum()
            return near + (1 - low.sum() - high.sum()) * masses.uniform
        }
    }

    func ends(_ slopes: EndWeights) -> Ends {
        var ends = Ends(low: .zero, high: .zero)
        for slope in 0..<4 {
            let low = slopes.low[slope]
            ends.low += either[slope] * low + larger[slope] * max(0, 2 * low - 1)
            ends.high += either[slope] * (1 - low) + larger[slope] * max(0, 1 - 2 * low)
        }
        return ends
    }
}
