// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The directed channels of a graph in compressed sparse row form, by the node they leave.
///
/// Built by counting sort in time linear in the channels.
public struct Adjacency: Sendable {
    /// One direction of one channel.
    public struct Arc: Sendable, Hashable {
        /// Index of the node it leads to.
        public let target: Int32
        /// Twice the channel's index, plus 1 for the direction from `node2`.
        public let direction: Int32

        /// Index of the channel.
        public var channel: Int { Int(direction >> 1) }
    }

    private let offsets: [Int32]
    private let arcs: [Arc]

    public init(_ graph: ChannelGraph) {
        var counts = [Int32](repeating: 0, count: graph.nodes.count + 1)
        for channel in graph.channels {
            counts[Int(channel.node1) + 1] += 1
            counts[Int(channel.node2) + 1] += 1
        }
        for index in 1..<max(1, counts.count) { counts[index] += counts[index - 1] }
        offsets = counts
        var next = counts
        var arcs = [Arc](repeating: Arc(target: 0, direction: 0), count: graph.channels.count * 2)
        for (index, channel) in graph.channels.enumerated() {
            let direction = Int32(index * 2)
            arcs[Int(next[Int(channel.node1)])] = Arc(target: channel.node2, direction: direction)
            arcs[Int(next[Int(channel.node2)])] = Arc(target: channel.node1, direction: direction + 1)
            next[Int(channel.node1)] += 1
            next[Int(channel.node2)] += 1
        }
        self.arcs = arcs
    }

    /// The directed channels that leave a node.
    public subscript(node: Int) -> ArraySlice<Arc> { arcs[Int(offsets[node])..<Int(offsets[node + 1])] }
}
