// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What is believed about the money in all channels and about the nodes between them, learnt from attempts.
///
/// Nobody publishes balances, and the published assumptions about them contradict each other. So none is chosen: a set
/// of hypotheses is weighed by how well each forecasts what own payments and probes then find. On top of what holds
/// for the network stand what is known of the single channel (bounds on its balance, which fade), of the single node
/// (whether it answers, and which end of its channels is empty), and of nodes like it. A recalibration learnt from the
/// model's own forecasts corrects what is left. See `docs/simulation.md`.
public struct LiquidityModel: Sendable {
    /// Seconds after which an outcome counts 1/e in the weights of the hypotheses.
    static let memory = 30 * 86_400.0

    var state: State
    /// The hypotheses' weights, summing to 1; follows ``State/evidence``.
    var weights: [Double]
    /// The memories' weights, summing to 1.
    var memories: MemoryLanes

    /// Knows nothing yet, or what it knew when `state` was kept.
    public init(state: State = State()) {
        self.state = state
        weights = Self.weights(state.evidence)
        memories = Self.memories(state.memoryEvidence)
    }

    /// Everything learnt, to be kept.
    public var snapshot: State { state }

    /// The probability that an attempt along a path arrives.
    ///
    /// The hypotheses hold for all hops alike, so they are averaged over the whole path and not hop by hop.
    /// - Parameter hops: places and amounts in msat, without the sender's own channels.
    public func probability(of hops: [(place: HopPlace, amountMsat: Int64)], time: Double) -> Double {
        let raw = uncorrected(
            hops.map { forecast($0.place, amountMsat: $0.amountMsat, time: time) },
            hops.map(\.place),
            time
        )
        return state.recalibration(raw)
    }

    /// The probability that one hop carries an amount and that the node behind it answers.
    public func probability(of place: HopPlace, amountMsat: Int64, time: Double) -> Double {
        forecast(place, amountMsat: amountMsat, time: time).liquidity * availability(of: place, time: time)
    }

    private func uncorrected(_ forecasts: [HopForecast], _ places: [HopPlace], _ time: Double) -> Double {
        var answering = 1.0
        for place in places { answering *= availability(of: place, time: time) }
        var sum = 0.0
        for index in weights.indices where weights[index] > 1e-6 {
            var product = weights[index]
            for forecast in forecasts { product *= forecast.byHypothesis[index] }
            sum += product
        }
        return sum * answering
    }

    func forecast(_ place: HopPlace, amountMsat: Int64, time: Double) -> HopForecast {
        let tilt = (state.nodes[place.from]?.lean ?? 0) - (state.nodes[place.to]?.lean ?? 0)
        let isReversed = place.direction.isReversed
        let question = HopForecast.Question(
            capacity: place.capacityMsat,
            amount: Double(amountMsat),
            isReversed: isReversed,
            odds: (isReversed ? -1 : 1) * (Self.slopes * place.lean + tilt),
            belief: state.channels[place.direction.channel],
            time: time
        )
        return HopForecast(question, weights: weights, memories: memories)
    }

    static let slopes: SIMD4<Double> = {
        var lanes = SIMD4<Double>.zero
        for index in BalanceHypothesis.slopes.indices { lanes[index] = BalanceHypothesis.slopes[index] }
        return lanes
    }()

    /// The probability that the node at the end of a hop answers.
    func availability(of place: HopPlace, time: Double) -> Double {
        let kinds = kinds(group: Int(place.group))
        guard let node = state.nodes[place.to] else { return (kinds * NodeBelief.up).total }
        return node.availability(kinds: kinds, time: time)
    }

    /// How common the kinds of nodes are in a group: what was seen there, filled up with what was thought beforehand
    /// corrected by how far that was wrong elsewhere.
    func kinds(group: Int) -> KindLanes {
        let trust = KindLanes(repeating: 1)
        var thought = NodeBelief.priors[group] * (state.kindsSeen + trust) / (state.kindsExpected + trust)
        thought = thought / thought.total
        let here = thought * State.groupNodes + state.kindsByGroup[group]
        return here / here.total
    }

    static func weights(_ evidence: [Double]) -> [Double] {
        let best = evidence.max() ?? 0
        var weights = zip(BalanceHypothesis.all, evidence).map { $0.prior * exp($1 - best) }
        let sum = weights.reduce(0, +)
        for index in weights.indices { weights[index] /= sum }
        return weights
    }

    static func memories(_ evidence: MemoryLanes) -> MemoryLanes {
        var weights = MemoryLanes.zero
        for lane in 0..<4 { weights[lane] = exp(evidence[lane] - evidence.max()) }
        return weights / weights.sum()
    }
}
