// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import TrustScore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What nobody can see of a simulated network: every balance and which nodes answer.
struct HiddenNetwork: Sendable {
    /// How the hidden side behaves.
    struct Behaviour: Sendable {
        /// Share of the nodes that fail now and then or for good; among large nodes it is smaller.
        var failingShare = 0.1
        /// How far balances wander in a week, as a deviation in ranks of their distribution; 0 for never.
        var weeklyDrift = 0.25
    }

    private let network: SimulatedNetwork
    private let behaviour: Behaviour
    private let distributions: [BalanceDistribution]
    /// The share of all balances that are smaller than that of `node1`, by channel.
    private var ranks: [Double]
    private var touched: [Double]
    private let fates: [NodeFate]
    private var isUp: [Bool]
    /// When a flaky node changes next.
    private var changes: [Double]
    private var generator: SeededGenerator

    init(_ network: SimulatedNetwork, assumption: BalanceAssumption, behaviour: Behaviour, seed: UInt64) {
        self.network = network
        self.behaviour = behaviour
        let name = "\(network.attack.rawValue) \(assumption.rawValue)"
        var generator = SeededGenerator(seed: seed, purpose: "balances \(name)")
        let (graph, facts, usedUp) = (network.graph, network.facts, network.addition.usedUp)
        distributions = graph.channels.indices.map { index in
            let channel = graph.channels[index]
            let capacity = max(1, Double(channel.capacitySat) * 1000)
            if let attacker = usedUp[index] {
                return Self.usedUp(capacity: capacity, atNode1: Int(channel.node1) != attacker)
            }
            let peers = (Double(facts[Int(channel.node1)].peers), Double(facts[Int(channel.node2)].peers))
            return Self.distribution(assumption, capacity: capacity, peers: peers, &generator)
        }
        ranks = distributions.indices.map { _ in generator.unit() }
        touched = [Double](repeating: 0, count: distributions.count)
        let fates = Self.fates(network, behaviour, &generator)
        self.fates = fates
        isUp = fates.map { fate in
            if case .flaky(let up, let down) = fate { return generator.unit() < up / (up + down) }
            return true
        }
        changes = [Double](repeating: 0, count: fates.count)
        self.generator = generator
        for node in fates.indices { changes[node] = span(node) }
    }

    private static func distribution(
        _ assumption: BalanceAssumption,
        capacity: Double,
        peers: (Double, Double),
        _ generator: inout SeededGenerator
    ) -> BalanceDistribution {
        switch assumption {
        case .uniform: return .uniform(capacity: capacity)
        case .bimodal: return .bimodal(capacity: capacity, scale: 300_000_000)
        case .depletedHubs:
            // Three doublings of size make a hub's end as empty as it gets: a fifth of the capacity on average.
            let doublings = log2((peers.0 + 1) / (peers.1 + 1))
            let strength = min(1, abs(doublings) / 3)
            let (a, b) = (1 - 0.4 * strength, 1 + 2.5 * strength)
            // The mirror image of the distribution has no simple inverse, so the other end is drawn with b and a.
            return doublings >= 0
                ? .tilted(capacity: capacity, a: a, b: b) : .tilted(capacity: capacity, a: b, b: a)
        case .mixed:
            let one = [BalanceAssumption.uniform, .bimodal, .depletedHubs][generator.below(3)]
            return distribution(one, capacity: capacity, peers: peers, &generator)
        }
    }

    private static func usedUp(capacity: Double, atNode1: Bool) -> BalanceDistribution {
        atNode1 ? .tilted(capacity: capacity, a: 0.5, b: 12) : .tilted(capacity: capacity, a: 12, b: 0.5)
    }

    private static func fates(
        _ network: SimulatedNetwork,
        _ behaviour: Behaviour,
        _ generator: inout SeededGenerator
    ) -> [NodeFate] {
        var fates = network.facts.map { facts -> NodeFate in
            let dice = generator.unit() * (1 + Double(facts.peers) / 50)
            let kind = generator.unit()
            guard dice < behaviour.failingShare else { return .reliable }
            if kind < 0.3 { return .dead }
            return kind < 0.65 ? .flaky(up: 86_400, down: 28_800) : .flaky(up: 28_800, down: 14_400)
        }
        // The sender watches its own peers and does not use one that is down.
        for channel in network.graph.channels where Int(channel.node1) == network.source {
            fates[Int(channel.node2)] = .reliable
        }
        for channel in network.graph.channels where Int(channel.node2) == network.source {
            fates[Int(channel.node1)] = .reliable
        }
        var dropped: [Int: Double] = [:]
        for (node, cluster) in zip(network.addition.sybils, network.addition.clusters) {
            let share = dropped[cluster] ?? 0.5 + 0.4 * generator.unit()
            dropped[cluster] = share
            fates[node] = .dropping(share)
        }
        for node in network.addition.splitters { fates[node] = .flaky(up: 43_200, down: 43_200) }
        return fates
    }

    /// How long a node stays as it is.
    private mutating func span(_ node: Int) -> Double {
        guard case .flaky(let up, let down) = fates[node] else { return .infinity }
        return generator.exponential(mean: isUp[node] ? up : down)
    }

    private mutating func answers(_ node: Int, at time: Double) -> Bool {
        switch fates[node] {
        case .reliable: return true
        case .dead: return false
        case .dropping(let share): return generator.unit() >= share
        case .flaky:
            while changes[node] < time {
                isUp[node].toggle()
                changes[node] += span(node)
            }
            return isUp[node]
        }
    }

    /// What `node1` has at a time, in msat.
    private mutating func balance(_ channel: Int, at time: Double) -> Double {
        let days = max(0, time - touched[channel]) / 86_400
        touched[channel] = max(touched[channel], time)
        if behaviour.weeklyDrift > 0, days > 0 {
            // A walk between two walls: it never leaves the distribution.
            var rank = ranks[channel] + behaviour.weeklyDrift * sqrt(days / 7) * generator.normal()
            rank = abs(rank.truncatingRemainder(dividingBy: 2))
            ranks[channel] = rank > 1 ? 2 - rank : rank
        }
        return distributions[channel].balance(atShare: ranks[channel])
    }

    /// Tries a payment.
    ///
    /// - Parameter settles: whether the money moves when it arrives.
    /// - Returns: the position of the hop that refused, or `nil` when it arrived.
    mutating func attempt(_ payment: SimulatedPayment, at time: Double, settles: Bool) -> Int? {
        let amount = Double(payment.amountMsat)
        var balances: [Double] = []
        for (position, direction) in payment.hops.enumerated() {
            let index = Int(direction >> 1)
            let channel = network.graph.channels[index]
            let receiver = Int(direction & 1 == 0 ? channel.node2 : channel.node1)
            let balance = balance(index, at: time)
            balances.append(balance)
            let capacity = Double(channel.capacitySat) * 1000
            let available = direction & 1 == 0 ? balance : capacity - balance
            guard available >= amount, answers(receiver, at: time) else { return position }
        }
        guard settles else { return nil }
        for (direction, balance) in zip(payment.hops, balances) {
            let index = Int(direction >> 1)
            let moved = direction & 1 == 0 ? balance - amount : balance + amount
            ranks[index] = distributions[index].share(below: moved)
        }
        return nil
    }
}
