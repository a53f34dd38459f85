// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How much the trusted nodes together could send to one node at once: a maximum flow.
///
/// Each direction of a channel carries half of the smaller of its capacity and its largest HTLC, because nobody knows at
/// which end the money lies. Dinic's algorithm, searching backwards from the receiver: it looks only at the
/// receiver's side of the bottleneck, which is small, and a search costs some ten microseconds on mainnet.
public struct SeedFlow {
    /// Flows are not measured beyond this, in sat: 10 bitcoin.
    public static let limitSat: Int64 = 1_000_000_000
    /// What the search for one small node's flow may look at, so that a graph of any size is measured in time.
    public static let searchLimit = 512
    /// An onion carries at most 20 hops of the fixed size (BOLT 4), so longer ways do not exist.
    private static let longestPath: Int32 = 20

    private let adjacency: Adjacency
    private let isSeed: [Bool]
    /// By directed channel, in sat.
    private let capacity: [Int64]
    /// What is left of the capacity in the search under way.
    private var residual: [Int64]
    /// Directions whose residual differs from the capacity.
    private var touched: [Int32] = []
    /// Hops from the receiver, valid where the stamp is that of the search under way.
    private var level: [Int32]
    private var stamp: [Int32]
    private var search: Int32 = 0
    /// The next arc to try, by node.
    private var next: [Int]
    /// Nodes that the search under way may still look at; below zero when it was given up.
    private var left = Int.max

    /// Prepares for a graph.
    ///
    /// - Parameters:
    ///   - seeds: indexes of the trusted nodes.
    ///   - clock: see ``ChannelGraph/clock(now:)``; older policies than two weeks carry nothing.
    public init(_ graph: ChannelGraph, adjacency: Adjacency, seeds: [Int], clock: Int64) {
        self.adjacency = adjacency
        let oldest = clock - ChannelGraph.policyLifetimeSeconds
        var capacity: [Int64] = []
        capacity.reserveCapacity(graph.channels.count * 2)
        for channel in graph.channels {
            capacity.append(Self.capacity(channel, channel.policy1, oldest: oldest))
            capacity.append(Self.capacity(channel, channel.policy2, oldest: oldest))
        }
        self.capacity = capacity
        residual = capacity
        var isSeed = [Bool](repeating: false, count: graph.nodes.count)
        for seed in seeds { isSeed[seed] = true }
        self.isSeed = isSeed
        level = [Int32](repeating: 0, count: graph.nodes.count)
        stamp = [Int32](repeating: 0, count: graph.nodes.count)
        next = [Int](repeating: 0, count: graph.nodes.count)
    }

    private static func capacity(_ channel: Channel, _ policy: ChannelPolicy?, oldest: Int64) -> Int64 {
        guard let policy, policy.isKnown, !policy.isDisabled, policy.lastUpdate >= oldest else { return 0 }
        let largest = policy.maxHTLCMsat > 0 ? policy.maxHTLCMsat / 1000 : channel.capacitySat
        return min(channel.capacitySat, largest) / 2
    }

    /// The maximum flow in sat from the seeds to a node, at most ``limitSat``.
    ///
    /// What a seed itself could receive comes from the other seeds.
    /// - Parameter limit: nodes that one search may look at, so that the cost of all nodes grows no faster than their
    ///   number.
    /// - Returns: `nil` when the seeds lie farther away than the limit reaches. What was found before a later search reached it
    ///   is returned: there may be more.
    public mutating func flow(to node: Int, lookingAt limit: Int = .max) -> Int64? {
        defer { restore() }
        left = limit
        var total: Int64 = 0
        while total < Self.limitSat, findLevels(from: node) {
            while total < Self.limitSat {
                let pushed = push(into: node, receiver: node, at: 0, most: Self.limitSat - total)
                guard pushed > 0 else { break }
                total += pushed
            }
            left = limit
        }
        return left < 0 && total == 0 ? nil : total
    }

    /// Undoes what the last search changed.
    private mutating func restore() {
        for direction in touched { residual[Int(direction)] = capacity[Int(direction)] }
        touched.removeAll(keepingCapacity: true)
    }

    /// Numbers the nodes by their distance from the receiver, as far as the nearest seeds.
    ///
    /// - Returns: whether a seed can still send.
    private mutating func findLevels(from receiver: Int) -> Bool {
        search += 1
        stamp[receiver] = search
        level[receiver] = 0
        next[receiver] = 0
        var ring = [Int32(receiver)]
        for distance in 1...Self.longestPath {
            var outer: [Int32] = []
            var foundSeed = false
            left -= ring.count
            guard left >= 0 else { return false }
            for node in ring {
                for arc in adjacency[Int(node)] where residual[Int(arc.direction ^ 1)] > 0 {
                    let neighbour = Int(arc.target)
                    guard stamp[neighbour] != search else { continue }
                    stamp[neighbour] = search
                    level[neighbour] = distance
                    next[neighbour] = 0
                    foundSeed = foundSeed || isSeed[neighbour]
                    outer.append(arc.target)
                }
            }
            if foundSeed { return true }
            if outer.isEmpty { return false }
            ring = outer
        }
        return false
    }

    /// Pushes flow into a node along one path of rising levels that begins at a seed.
    ///
    /// Recursion is at most as deep as the longest path.
    private mutating func push(into node: Int, receiver: Int, at distance: Int32, most: Int64) -> Int64 {
        if node != receiver, isSeed[node] { return most }
        let arcs = adjacency[node]
        while next[node] < arcs.count {
            let arc = arcs[arcs.startIndex + next[node]]
            let incoming = Int(arc.direction ^ 1)
            let neighbour = Int(arc.target)
            if residual[incoming] > 0, stamp[neighbour] == search, level[neighbour] == distance + 1 {
                let most = min(most, residual[incoming])
                let pushed = push(into: neighbour, receiver: receiver, at: distance + 1, most: most)
                if pushed > 0 {
                    residual[incoming] -= pushed
                    residual[Int(arc.direction)] += pushed
                    touched.append(arc.direction)
                    touched.append(arc.direction ^ 1)
                    return pushed
                }
            }
            next[node] += 1
        }
        return 0
    }
}
