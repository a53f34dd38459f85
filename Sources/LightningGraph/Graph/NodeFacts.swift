// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// What the graph says about one node, as plain counts.
public struct NodeFacts: Sendable, Hashable {
    /// Channels the node is an end of.
    public var channels: Int32 = 0
    /// Their total size in sat, both ends' money together.
    public var capacitySat: Int64 = 0
    /// Different nodes at the other ends.
    public var peers: Int32 = 0
    /// Directions that the node itself has disabled.
    public var disabled: Int32 = 0
    /// Size in sat of the channels whose own direction is announced and enabled.
    public var enabledCapacitySat: Int64 = 0
    /// Size in sat of the channels in which either direction is enabled and fresh.
    public var liveCapacitySat: Int64 = 0
    /// Block height of the oldest channel, 0 without one.
    public var oldestBlock: UInt32 = 0
    /// Block height of the oldest live channel, 0 without one.
    public var oldestLiveBlock: UInt32 = 0

    /// The facts of a node without channels.
    public init() {}

    /// The largest height taken for real: block 10,000,000 is due about the year 2199.
    ///
    /// Channels with a greater height carry an alias instead of a place in the chain (BOLT 2, `scid_alias`).
    static let greatestHeight: UInt32 = 10_000_000

    /// The facts of every node of a graph, in node order.
    ///
    /// - Parameter clock: see ``ChannelGraph/clock(now:)``.
    public static func all(of graph: ChannelGraph, adjacency: Adjacency, clock: Int64) -> [NodeFacts] {
        let oldest = clock - ChannelGraph.policyLifetimeSeconds
        let live = graph.channels.map { $0.isLive(since: oldest) }
        var lastSeenBy = [Int32](repeating: -1, count: graph.nodes.count)
        return graph.nodes.indices.map { node in
            var facts = NodeFacts()
            for arc in adjacency[node] {
                let channel = graph.channels[arc.channel]
                facts.add(channel, own: channel.policy(direction: Int(arc.direction & 1)), live: live[arc.channel])
                if lastSeenBy[Int(arc.target)] != Int32(node) {
                    lastSeenBy[Int(arc.target)] = Int32(node)
                    facts.peers += 1
                }
            }
            return facts
        }
    }

    private mutating func add(_ channel: Channel, own: ChannelPolicy?, live: Bool) {
        channels += 1
        capacitySat += channel.capacitySat
        if let own {
            if own.isDisabled { disabled += 1 } else { enabledCapacitySat += channel.capacitySat }
        }
        if live { liveCapacitySat += channel.capacitySat }
        let height = channel.id.blockHeight
        guard height > 0, height <= Self.greatestHeight else { return }
        if oldestBlock == 0 || height < oldestBlock { oldestBlock = height }
        if live, oldestLiveBlock == 0 || height < oldestLiveBlock { oldestLiveBlock = height }
    }
}
