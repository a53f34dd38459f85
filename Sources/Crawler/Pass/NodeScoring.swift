// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives
internal import TrustScore

/// Both scores of every node of a graph, computed in memory.
struct NodeScoring {
    /// A node's scores and what they are made of.
    struct Result: Sendable, Hashable {
        let score: NodeScore
        let compatible: CompatibleNodeScore
        /// Percentile of the seeded PageRank, 0 to 100 in tenths.
        let percentile: Double
        /// The best path by tier, in the order of `PassOptions.tiers`.
        let paths: [Reachability.Path?]
    }

    let graph: ChannelGraph
    let facts: [NodeFacts]
    let histories: [NodeHistory]
    /// SatRank's percentile, and the seeded one.
    let compatiblePercentiles: [Int]
    let percentiles: [Double]
    /// One per tier.
    let reach: [Reachability]
    /// What the seeds could send, in sat; `nil` where nobody knows.
    let flows: [Int64?]
    /// The moment the graph speaks of, and the time on our own clock.
    let clock: Int64
    let now: Int64

    /// Computes all scores, in node order.
    func results() -> [Result] {
        let measurements = graph.nodes.indices.map(measure)
        let medians = medians(of: measurements)
        return graph.nodes.indices.compactMap { node in
            guard let score = NodeScore(measurements[node], medians: medians) else { return nil }
            return Result(
                score: score,
                compatible: CompatibleNodeScore(compatibleFacts(node)),
                percentile: percentile(node),
                paths: reach.map { $0[node] }
            )
        }
    }

    /// In tenths: every change anywhere moves most ranks by a little, which says nothing about their nodes.
    private func percentile(_ node: Int) -> Double { (percentiles[node] * 10).rounded() / 10 }

    /// The components that have evidence.
    ///
    /// Paths, rank, flow and age are computed from the whole graph and stand for themselves. The share of enabled capacity is
    /// worth as many observations as there are channels, fee changes as many as there are days since our first sighting of the
    /// node, and payments as many as their outcomes weigh: these are pulled to the median of the nodes with a live channel.
    private func measure(_ node: Int) -> [NodeScore.Component: NodeScore.Measurement] {
        let facts = facts[node]
        var measurements: [NodeScore.Component: NodeScore.Measurement] = [
            .rank: .init(value: percentile(node) / 100)
        ]
        if let flow = flows[node] { measurements[.flow] = .init(value: NodeScore.flow(sat: flow)) }
        for (tier, paths) in zip(PassOptions.tiers, reach) {
            let component: NodeScore.Component? = tier == 100_000 ? .reach100k : tier == 1_000_000 ? .reach1M : nil
            if let component { measurements[component] = .init(value: paths[node]?.probability ?? 0) }
        }
        if facts.capacitySat > 0 {
            let enabled = Double(facts.enabledCapacitySat) / Double(facts.capacitySat)
            measurements[.uptime] = .init(value: enabled, observations: Double(facts.channels))
        }
        if facts.oldestLiveBlock > 0 {
            measurements[.age] = .init(value: NodeScore.age(days: days(since: blockTime(facts.oldestLiveBlock))))
        }
        if let payments = histories[node].payments {
            measurements[.payments] = .init(value: payments.mean, observations: payments.weight)
        }
        let observed = min(7, (now - histories[node].firstObserved) / 86_400)
        if observed >= 1, facts.channels > 0 {
            let perWeek = Double(histories[node].feeChanges7d) / Double(facts.channels) * 7 / Double(observed)
            let value = NodeScore.policyStability(changesPerChannelAndWeek: perWeek)
            measurements[.policyStability] = .init(value: value, observations: Double(observed))
        }
        return measurements
    }

    private func medians(
        of measurements: [[NodeScore.Component: NodeScore.Measurement]]
    ) -> [NodeScore.Component: Double] {
        var medians: [NodeScore.Component: Double] = [:]
        for component in [NodeScore.Component.uptime, .policyStability, .payments] {
            let live = zip(facts, measurements).filter { $0.0.liveCapacitySat > 0 }
            medians[component] = median(live.compactMap { $0.1[component]?.value })
        }
        return medians
    }

    /// The facts for SatRank's score; the path sweep stands in for its route queries, which ask the same question.
    private func compatibleFacts(_ node: Int) -> CompatibleNodeScore.Facts {
        let own = facts[node]
        let history = histories[node]
        var facts = CompatibleNodeScore.Facts()
        facts.channels = Int(own.channels)
        facts.capacitySat = own.capacitySat
        facts.peers = Int(own.peers)
        facts.disabledChannels = Int(own.disabled)
        facts.ageDays = days(since: history.firstSeen)
        let lastUpdate = graph.nodes[node].lastUpdate
        facts.gossipAgeDays = days(since: lastUpdate > 0 ? lastUpdate : history.firstSeen)
        facts.pageRankPercentile = compatiblePercentiles[node]
        facts.capacity7dAgoSat = history.capacity7dAgo
        facts.feeChanges7d = history.feeChanges7d
        facts.feeChannels7d = history.feeChanges7d > 0 ? Int(own.channels) : 0
        guard own.channels > 0 else { return facts }
        facts.baseTier = reach[0][node] == nil ? .unreachable : .reachable
        for (tier, paths) in zip(PassOptions.tiers, reach) {
            facts.tierSuccess[tier] = paths[node] == nil ? 0 : 1
        }
        return facts
    }

    /// Whole days, so that a second pass on the same day finds the same score.
    private func days(since time: Int64) -> Double { Double(max(0, (clock - time) / 86_400)) }
}

/// The approximate time of a block: genesis and ten minutes for each block.
func blockTime(_ height: UInt32) -> Int64 { 1_231_006_505 + Int64(height) * 600 }
