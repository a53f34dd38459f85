// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The numbers of `GET /v1/graph/info`.
struct GraphStatistics: Sendable, Hashable {
    let nodes: Int
    let channels: Int
    /// The channels' capacities in satoshis, ascending.
    private let capacities: [Int64]
    private let maxOutDegree: Int
    private let diameter: Int

    init(_ index: GraphIndex) {
        nodes = index.vertices.count
        let open = index.channels.filter { !$0.isClosed }
        channels = open.count
        capacities = open.map(\.capacitySat).sorted()
        // LND counts a channel for its second node only.
        var degrees = [Int](repeating: 0, count: index.vertices.count)
        for channel in open { degrees[channel.node2] += 1 }
        maxOutDegree = degrees.max() ?? 0
        diameter = Self.diameter(of: index)
    }

    var json: JSON {
        let total = capacities.reduce(0, +)
        let median = capacities.isEmpty ? 0 : capacities[capacities.count / 2]
        return [
            "graph_diameter": .integer(diameter),
            "avg_out_degree": .double(nodes == 0 ? 0 : 2 * Double(channels) / Double(nodes)),
            "max_out_degree": .integer(maxOutDegree),
            "num_nodes": .integer(nodes),
            "num_channels": .integer(channels),
            "total_network_capacity": .text(total),
            "avg_channel_size": .double(channels == 0 ? 0 : Double(total) / Double(channels)),
            "min_channel_size": .text(capacities.first ?? 0),
            "max_channel_size": .text(capacities.last ?? 0),
            "median_channel_size_sat": .text(median),
            "num_zombie_chans": "0",
        ]
    }

    /// A lower bound of the diameter by a double sweep: the farthest node from the hub, then the farthest from that one.
    private static func diameter(of index: GraphIndex) -> Int {
        guard let hub = index.hub else { return 0 }
        return farthest(from: farthest(from: hub, in: index).node, in: index).distance
    }

    private static func farthest(from start: Int, in index: GraphIndex) -> (node: Int, distance: Int) {
        var distances = [Int](repeating: -1, count: index.vertices.count)
        distances[start] = 0
        var queue = [start]
        var head = 0
        while head < queue.count {
            let node = queue[head]
            head += 1
            for number in index.vertices[node].channels {
                let channel = index.channels[Int(number)]
                let other = channel.node1 == node ? channel.node2 : channel.node1
                guard distances[other] < 0 else { continue }
                distances[other] = distances[node] + 1
                queue.append(other)
            }
        }
        let last = queue[queue.count - 1]
        return (last, distances[last])
    }
}
