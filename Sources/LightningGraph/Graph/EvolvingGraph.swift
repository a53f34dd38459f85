// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// A graph that is kept current by updates.
///
/// The same nodes and channels are always in the same order, by key and by number, so that what is computed from the
/// graph depends on the graph alone and not on the way it came about.
public struct EvolvingGraph: Sendable {
    /// What became of an update's elements.
    public struct Outcome: Sendable, Hashable {
        public internal(set) var applied = 0
        /// Older than what is known, about a closed channel, or contradicting what is known.
        public internal(set) var ignored = 0
    }

    private var graph: ChannelGraph
    private var channelIndexes: [ShortChannelID: Int32]
    private let limits: GraphReader.Limits
    private var delta = GraphDelta()
    /// Whether nodes or channels came or went since the order was last made.
    private var isOutOfOrder = false

    /// Begins with a whole graph.
    public init(_ graph: ChannelGraph, limits: GraphReader.Limits = GraphReader.Limits()) {
        self.limits = limits
        self.graph = graph.ordered()
        channelIndexes = Self.indexes(of: self.graph)
    }

    /// Whether anything has changed since the last ``settle()``.
    public var hasChanged: Bool { !delta.isEmpty }

    /// Directions that have changed since then.
    public var changes: Int { delta.policies.count + delta.closed.count + delta.nodes.count }

    /// Lets an update happen.
    ///
    /// - Parameter now: Unix seconds; a known time far ahead of it is not believed, so that no node can keep its policy
    ///   for ever by dating it into the future.
    public mutating func apply(_ update: GraphUpdate, now: Int64) -> Outcome {
        var outcome = Outcome()
        func count(_ isApplied: Bool) {
            if isApplied { outcome.applied += 1 } else { outcome.ignored += 1 }
        }
        for announcement in update.announcements { count(announce(announcement)) }
        for change in update.policies { count(change.from == change.to ? false : replace(change, now: now)) }
        for channel in update.closed { count(close(channel)) }
        return outcome
    }

    /// Brings the graph in order and forgets what has changed.
    ///
    /// - Returns: the graph, and what has changed since the last call.
    public mutating func settle() -> (graph: ChannelGraph, delta: GraphDelta) {
        if isOutOfOrder {
            let closed = delta.closed
            graph = graph.filter { !closed.contains($0.id) }.ordered()
            channelIndexes = Self.indexes(of: graph)
            isOutOfOrder = false
        }
        defer { delta = GraphDelta() }
        return (graph, delta)
    }

    private static func indexes(of graph: ChannelGraph) -> [ShortChannelID: Int32] {
        var indexes: [ShortChannelID: Int32] = [:]
        indexes.reserveCapacity(graph.channels.count)
        for (index, channel) in graph.channels.enumerated() { indexes[channel.id] = Int32(index) }
        return indexes
    }

    private mutating func announce(_ announcement: GraphUpdate.Announcement) -> Bool {
        // A node without a channel is none of the graph's: LND hears of channels first.
        guard let index = graph.index(of: announcement.node) else { return false }
        guard graph.nodes[index].alias != announcement.alias else { return true }
        graph.rename(index, alias: announcement.alias)
        delta.nodes.insert(announcement.node)
        return true
    }

    private mutating func replace(_ change: GraphUpdate.PolicyChange, now: Int64) -> Bool {
        guard !delta.closed.contains(change.channel) else { return false }
        let direction = change.from < change.to ? 0 : 1
        let (low, high) = direction == 0 ? (change.from, change.to) : (change.to, change.from)
        let index: Int
        if let known = channelIndexes[change.channel] {
            index = Int(known)
            let channel = graph.channels[index]
            guard graph.nodes[Int(channel.node1)].id == low, graph.nodes[Int(channel.node2)].id == high else {
                return false
            }
        } else {
            guard graph.channels.count < limits.channels, graph.nodes.count < limits.nodes - 1 else { return false }
            index = graph.channels.count
            graph.add(
                Channel(
                    id: change.channel,
                    node1: graph.intern(low),
                    node2: graph.intern(high),
                    capacitySat: change.capacitySat,
                    policy1: nil,
                    policy2: nil
                )
            )
            channelIndexes[change.channel] = Int32(index)
            delta.channels.insert(change.channel)
            isOutOfOrder = true
        }
        let known = graph.channels[index].policy(direction: direction)
        if let known, let policy = change.policy {
            let isBelieved = known.lastUpdate <= now + 86_400
            guard policy.lastUpdate >= known.lastUpdate || !isBelieved else { return false }
            guard policy != known else { return true }
        }
        graph.setPolicy(change.policy, channel: index, direction: direction)
        delta.policies.insert(GraphDelta.Direction(channel: change.channel, direction: direction))
        delta.nodes.insert(low)
        delta.nodes.insert(high)
        return true
    }

    private mutating func close(_ channel: ShortChannelID) -> Bool {
        guard let index = channelIndexes[channel], !delta.closed.contains(channel) else { return false }
        let ends = graph.channels[Int(index)]
        delta.nodes.insert(graph.nodes[Int(ends.node1)].id)
        delta.nodes.insert(graph.nodes[Int(ends.node2)].id)
        delta.closed.insert(channel)
        delta.channels.remove(channel)
        delta.policies = delta.policies.filter { $0.channel != channel }
        isOutOfOrder = true
        return true
    }
}

extension ChannelGraph {
    /// Finds a channel by its number in a graph that is ``ordered()``.
    public func channel(_ id: ShortChannelID) -> Channel? { channelIndex(id).map { channels[$0] } }

    /// Finds a channel's index by its number in a graph that is ``ordered()``.
    public func channelIndex(_ id: ShortChannelID) -> Int? {
        var (low, high) = (0, channels.count)
        while low < high {
            let middle = (low + high) / 2
            if channels[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < channels.count && channels[low].id == id ? low : nil
    }

    /// The same graph with its nodes in the order of their keys and its channels in the order of their numbers.
    public func ordered() -> ChannelGraph {
        let order = nodes.indices.sorted { nodes[$0].id < nodes[$1].id }
        var places = [Int32](repeating: 0, count: nodes.count)
        for (place, index) in order.enumerated() { places[index] = Int32(place) }
        var moved = channels
        for index in moved.indices {
            moved[index].node1 = places[Int(moved[index].node1)]
            moved[index].node2 = places[Int(moved[index].node2)]
        }
        moved.sort { $0.id < $1.id }
        return ChannelGraph(nodes: order.map { nodes[$0] }, channels: moved)
    }

    /// The graph without some channels, and without the nodes that were only known by them.
    func filter(_ isKept: (Channel) -> Bool) -> ChannelGraph {
        var result = ChannelGraph()
        result.reserve(nodes: nodes.count, channels: channels.count)
        for node in nodes where node.lastUpdate > 0 || !node.alias.isEmpty { result.add(node) }
        for channel in channels where isKept(channel) {
            var moved = channel
            moved.node1 = result.intern(nodes[Int(channel.node1)].id)
            moved.node2 = result.intern(nodes[Int(channel.node2)].id)
            result.add(moved)
        }
        return result
    }
}
