// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension LiquidityModel {
    /// Learns again from outcomes that were kept, oldest first.
    public init(replaying outcomes: some Sequence<PathOutcome>) {
        self.init()
        for outcome in outcomes { observe(outcome) }
    }

    /// Learns from one attempt.
    ///
    /// Outcomes come in the order of their times; an older one counts as if it were as new as the newest.
    public mutating func observe(_ outcome: PathOutcome) {
        let time = max(outcome.time, state.time)
        let elapsed = state.time > 0 ? time - state.time : 0
        state.time = time
        let hops = outcome.hops.map { hop in
            (hop, forecast(hop.place, amountMsat: hop.amountMsat, time: time), availability(of: hop.place, time: time))
        }
        recalibrate(hops, arrived: outcome.arrived)
        weigh(hops, fade: exp(-elapsed / Self.memory))
        for (hop, forecast, available) in hops where hop.result != .unknown {
            learnNodes(hop, forecast, available: available, time: time)
            learnChannel(hop, forecast, available: available, settled: settles(outcome), time: time)
        }
    }

    private typealias Judged = (hop: PathOutcome.Hop, forecast: HopForecast, available: Double)

    /// A payment that did not arrive was given back.
    private func settles(_ outcome: PathOutcome) -> Bool { outcome.isSettled && outcome.arrived == true }

    private mutating func recalibrate(_ hops: [Judged], arrived: Bool?) {
        guard let arrived, !hops.isEmpty else { return }
        var raw = 0.0
        for index in weights.indices where weights[index] > 1e-6 {
            raw += hops.reduce(weights[index]) { $0 * $1.forecast.byHypothesis[index] * $1.available }
        }
        state.recalibration.note(forecast: raw, happened: arrived)
    }

    /// Weighs the hypotheses and the memories by how likely each held what has happened.
    private mutating func weigh(_ hops: [Judged], fade: Double) {
        for index in state.evidence.indices { state.evidence[index] *= fade }
        state.memoryEvidence *= fade
        for (hop, forecast, available) in hops where hop.result != .unknown {
            let carried = hop.result == .carried
            for index in state.evidence.indices {
                state.evidence[index] += Self.logLikelihood(forecast.byHypothesis[index] * available, carried)
            }
            for lane in 0..<4 {
                state.memoryEvidence[lane] += Self.logLikelihood(forecast.byMemory[lane] * available, carried)
            }
        }
        let best = state.evidence.max() ?? 0
        for index in state.evidence.indices { state.evidence[index] -= best }
        state.memoryEvidence -= MemoryLanes(repeating: state.memoryEvidence.max())
        weights = Self.weights(state.evidence)
        memories = Self.memories(state.memoryEvidence)
    }

    /// One surprise alone never rules a hypothesis out: a channel may be an exception.
    private static func logLikelihood(_ probability: Double, _ carried: Bool) -> Double {
        log(0.003 + 0.994 * (carried ? probability : 1 - probability))
    }

    private mutating func learnNodes(_ hop: PathOutcome.Hop, _ forecast: HopForecast, available: Double, time: Double) {
        let group = Int(hop.place.group)
        let kinds = kinds(group: group)
        let carried = hop.result == .carried
        var node = state.nodes[hop.place.to] ?? NodeBelief(time: time)
        node.note(carried: carried, liquidity: forecast.liquidity, time: time)
        let posterior = node.posterior(kinds: kinds, time: time)
        if node.contribution == .zero { state.kindsExpected += NodeBelief.priors[group] }
        state.kindsSeen += posterior - node.contribution
        state.kindsByGroup[group] += posterior - node.contribution
        node.contribution = posterior
        let probability = forecast.liquidity * available
        let surprise = (carried ? 1 : 0) - probability
        let noise = max(0.02, probability * (1 - probability))
        let gradient = forecast.leanGradient * available * (hop.place.direction.isReversed ? -1 : 1)
        node.shiftLean(gradient: -gradient, surprise: surprise, noise: noise)
        state.nodes[hop.place.to] = node
        state.nodes[hop.place.from, default: NodeBelief(time: time)]
            .shiftLean(gradient: gradient, surprise: surprise, noise: noise)
    }

    private mutating func learnChannel(
        _ hop: PathOutcome.Hop,
        _ forecast: HopForecast,
        available: Double,
        settled: Bool,
        time: Double
    ) {
        let memory = (memories * Memory.lifetimes).sum()
        let direction = hop.place.direction
        var belief = state.channels[direction.channel] ?? ChannelBelief()
        let attempt = ChannelBelief.Attempt(
            amount: Double(hop.amountMsat),
            isReversed: direction.isReversed,
            capacity: hop.place.capacityMsat,
            time: time,
            memory: memory
        )
        if hop.result == .carried {
            belief.noteCarried(attempt, settled: settled)
        } else {
            // Either the money did not suffice or the next node did not answer.
            let refused = max(1e-9, 1 - forecast.liquidity * available)
            belief.noteRefused(attempt, weight: (1 - forecast.liquidity) / refused)
        }
        state.channels[direction.channel] = belief
    }
}
