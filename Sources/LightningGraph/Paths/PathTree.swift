// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The best paths from one node to all others, as the channels they take.
public struct PathTree: Sendable {
    /// Index of the node the paths start at.
    public let source: Int
    /// By node: the direction its path arrives by, -1 without one.
    private let arrivals: [Int32]

    init(source: Int, arrivals: [Int32]) {
        self.source = source
        self.arrivals = arrivals
    }

    /// The directions of the path to a node in the order of travel, as ``Adjacency/Arc/direction`` numbers them.
    ///
    /// - Returns: `nil` when there is no path; empty for the source.
    public func path(to node: Int, in graph: ChannelGraph) -> [Int32]? {
        var path: [Int32] = []
        var here = node
        while here != source {
            let direction = arrivals[here]
            guard direction >= 0 else { return nil }
            path.append(direction)
            let channel = graph.channels[Int(direction >> 1)]
            here = Int(direction & 1 == 0 ? channel.node1 : channel.node2)
        }
        return path.reversed()
    }
}
