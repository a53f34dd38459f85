// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// The public network at one moment: nodes, and channels that name their nodes by index.
///
/// A value: 17,000 nodes and 51,000 channels take about 15 MB.
public struct ChannelGraph: Sendable {
    /// A policy older than this no longer speaks for its channel: BOLT 7 asks for a refresh within two weeks.
    public static let policyLifetimeSeconds: Int64 = 14 * 86_400

    public private(set) var nodes: [GraphNode] = []
    public private(set) var channels: [Channel] = []
    private var indexes: [NodeID: Int32] = [:]

    public init() {}

    /// The index of a node, or `nil` when the graph does not hold it.
    public func index(of id: NodeID) -> Int? { indexes[id].map(Int.init) }

    /// The index of a node, which joins the graph if it was not there.
    public mutating func intern(_ id: NodeID) -> Int32 {
        if let index = indexes[id] { return index }
        let index = Int32(nodes.count)
        nodes.append(GraphNode(id: id))
        indexes[id] = index
        return index
    }

    /// Adds what a node announced about itself; of two announcements the newer one stays.
    public mutating func add(_ node: GraphNode) {
        let index = Int(intern(node.id))
        if node.lastUpdate >= nodes[index].lastUpdate { nodes[index] = node }
    }

    /// Adds a channel.
    ///
    /// - Precondition: both node indexes came from ``intern(_:)`` and differ. The caller sees to it that no channel is
    ///   added twice.
    public mutating func add(_ channel: Channel) {
        precondition(channel.node1 != channel.node2, "a channel has two ends")
        channels.append(channel)
    }

    /// Takes nodes and channels that are in their places already.
    ///
    /// - Precondition: no node comes twice.
    init(nodes: [GraphNode], channels: [Channel]) {
        self.nodes = nodes
        self.channels = channels
        indexes.reserveCapacity(nodes.count)
        for (index, node) in nodes.enumerated() { indexes[node.id] = Int32(index) }
    }

    mutating func setPolicy(_ policy: ChannelPolicy?, channel: Int, direction: Int) {
        if direction == 0 { channels[channel].policy1 = policy } else { channels[channel].policy2 = policy }
    }

    mutating func rename(_ node: Int, alias: String) { nodes[node].alias = alias }

    mutating func reserve(nodes: Int, channels: Int) {
        self.nodes.reserveCapacity(nodes)
        self.channels.reserveCapacity(channels)
        indexes.reserveCapacity(nodes)
    }

    /// The moment the graph speaks of: the newest gossip time in it, but never later than `now`.
    ///
    /// A snapshot replayed a year later is judged by its own clock, and a node cannot age everybody else by signing a
    /// time in the future.
    public func clock(now: Int64) -> Int64 {
        var newest: Int64 = 0
        for node in nodes where node.lastUpdate <= now { newest = max(newest, node.lastUpdate) }
        for channel in channels {
            for case let policy? in [channel.policy1, channel.policy2] where policy.lastUpdate <= now {
                newest = max(newest, policy.lastUpdate)
            }
        }
        return min(now, newest)
    }
}
