// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives
internal import TrustScore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What everybody can see of a simulated network: the graph with the sender's node and the attackers', and what SatRank
/// and the liquidity model derive from it.
struct SimulatedNetwork: Sendable {
    let graph: ChannelGraph
    let facts: [NodeFacts]
    let view: LiquidityView
    let attack: Attack
    let addition: Attack.Addition
    /// The sender.
    let source: Int
    /// Unix seconds.
    let clock: Int64
    /// SatRank's facts, by node.
    let compatible: [CompatibleNodeScore.Facts]
    private let router: NeutralRouter

    /// The sender's channels.
    private static let ownChannels = 8
    /// How many of the nodes with the largest live capacity count as hubs to connect with.
    private static let hubs = 50

    init(_ base: ChannelGraph, attack: Attack, seed: UInt64) {
        var graph = base
        clock = base.clock(now: Int64(UInt32.max))
        let hubs = Self.hubs(of: base, clock: clock)
        // The sender is the same whatever is attacked.
        var own = GraphBuilder(generator: SeededGenerator(seed: seed, purpose: "sender"), time: clock)
        source = own.node(in: &graph)
        for hub in hubs.shuffled(using: &own.generator).prefix(Self.ownChannels) {
            _ = own.connect(&graph, source, hub, sat: 100_000_000, feePPM: 100)
        }
        let generator = SeededGenerator(seed: seed, purpose: "attack \(attack.rawValue)")
        var builder = GraphBuilder(generator: generator, time: clock)
        builder.skipBlocks(1000)
        addition = attack.extend(&graph, hubs: hubs, builder: &builder)
        let adjacency = Adjacency(graph)
        facts = NodeFacts.all(of: graph, adjacency: adjacency, clock: clock)
        let links = WeightedLinks.perPair(of: graph, clock: clock)
        let ranks = PageRank.seeded(links, seeds: Self.trusted(graph, facts, source: source)).scores
        view = LiquidityView(graph, facts: facts, links: links, ranks: ranks)
        let sweep = PathSweep(graph, adjacency: adjacency)
        let invented = Set(addition.sybils + addition.splitters)
        compatible = Self.compatibleFacts(graph, facts, sweep, source: source, clock: clock, invented: invented)
        router = NeutralRouter(sweep, graph: graph, source: source, seed: seed)
        self.graph = graph
        self.attack = attack
    }

    /// The sender, and the nodes with the largest live capacity: 200 of them, in a small graph one in twenty.
    private static func trusted(_ graph: ChannelGraph, _ facts: [NodeFacts], source: Int) -> [Int] {
        let live = facts.indices.filter { facts[$0].liveCapacitySat > 0 && $0 != source }
        let ranked = live.sorted { (facts[$0].liveCapacitySat, $1) > (facts[$1].liveCapacitySat, $0) }
        return [source] + ranked.prefix(min(200, max(1, live.count / 20)))
    }

    private static func hubs(of graph: ChannelGraph, clock: Int64) -> [Int] {
        let facts = NodeFacts.all(of: graph, adjacency: Adjacency(graph), clock: clock)
        let ranked = facts.indices.sorted { (facts[$0].liveCapacitySat, $1) > (facts[$1].liveCapacitySat, $0) }
        return Array(ranked.prefix(hubs))
    }

    /// What the crawler tells SatRank's score, as far as a snapshot knows it.
    ///
    /// Ages are not in a snapshot: honest nodes are two years old, the attackers' two months.
    private static func compatibleFacts(
        _ graph: ChannelGraph,
        _ nodes: [NodeFacts],
        _ sweep: PathSweep,
        source: Int,
        clock: Int64,
        invented: Set<Int>
    ) -> [CompatibleNodeScore.Facts] {
        let percentiles = Percentile.compatible(PageRank.compatible(.perChannel(of: graph)).scores)
        let tiers: [Int64] = [1000, 10_000, 100_000]
        let reach = tiers.map { sweep.paths(from: source, amount: .sat($0)) }
        return graph.nodes.indices.map { node in
            var facts = CompatibleNodeScore.Facts()
            facts.channels = Int(nodes[node].channels)
            facts.capacitySat = nodes[node].capacitySat
            facts.peers = Int(nodes[node].peers)
            facts.disabledChannels = Int(nodes[node].disabled)
            facts.ageDays = invented.contains(node) ? 60 : 730
            facts.gossipAgeDays = Double(max(0, clock - graph.nodes[node].lastUpdate) / 86_400)
            if graph.nodes[node].lastUpdate == 0 { facts.gossipAgeDays = facts.ageDays }
            facts.pageRankPercentile = percentiles[node]
            facts.capacity7dAgoSat = nodes[node].capacitySat
            facts.baseTier = reach[0][node] == nil ? .unreachable : .reachable
            for (tier, paths) in zip(tiers, reach) { facts.tierSuccess[tier] = paths[node] == nil ? 0 : 1 }
            return facts
        }
    }

    /// Draws payments: whom, how much, and along which path.
    func payments(_ count: Int, seed: UInt64, purpose: String) -> [SimulatedPayment] {
        var generator = SeededGenerator(seed: seed, purpose: purpose)
        let targets = Targets(self)
        var payments: [SimulatedPayment] = []
        payments.reserveCapacity(count)
        var attempts = 0
        while payments.count < count {
            attempts += 1
            precondition(attempts < 1000 * (count + 10), "hardly any node of the graph can be paid")
            let target = targets.draw(&generator)
            let amount = PaymentSizes.draw(&generator) * 1000
            guard let path = router.path(to: target, amountMsat: amount, &generator) else { continue }
            payments.append(SimulatedPayment(target: target, amountMsat: amount, hops: path))
        }
        return payments
    }
}

/// One attempt to pay a node along a given path.
struct SimulatedPayment: Sendable {
    let target: Int
    let amountMsat: Int64
    /// Directions behind the sender's own channel, whose balance the sender knows; at least one.
    let hops: [Int32]
}

/// Whom payments go to.
private struct Targets {
    private let attack: Attack
    private let sybils: [Int]
    private let splitters: [Int]
    private let anyone: [Int]
    /// Running sums of live capacity, in the order of ``anyone``.
    private var sums: [Double] = []

    init(_ network: SimulatedNetwork) {
        attack = network.attack
        sybils = network.addition.sybils
        splitters = network.addition.splitters
        let invented = Set(sybils + splitters + [network.source])
        anyone = network.facts.indices.filter { network.facts[$0].liveCapacitySat > 0 && !invented.contains($0) }
        var sum = 0.0
        for node in anyone {
            sum += Double(network.facts[node].liveCapacitySat)
            sums.append(sum)
        }
    }

    /// Half of the honest payments go to nodes by their capacity, half to any node alike.
    func draw(_ generator: inout SeededGenerator) -> Int {
        let dice = generator.unit()
        if !sybils.isEmpty, dice < Attack.attracted { return sybils[generator.below(sybils.count)] }
        if !splitters.isEmpty, dice > 1 - Attack.attracted { return splitters[generator.below(splitters.count)] }
        guard generator.unit() < 0.5 else { return anyone[generator.below(anyone.count)] }
        let wanted = generator.unit() * (sums.last ?? 0)
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] <= wanted { low = middle + 1 } else { high = middle }
        }
        return anyone[low]
    }
}
