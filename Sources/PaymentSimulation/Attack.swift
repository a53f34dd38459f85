// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives
internal import TrustScore

/// What dishonest operators add to the network to look better than they are.
public enum Attack: String, Sendable, Hashable, CaseIterable, Codable {
    case none
    /// Clusters of invented nodes, well connected with each other and by one channel with an honest hub; they attract
    /// payments and drop most of them.
    case sybil
    /// Operators who split little money into many small channels to nodes of their own, and whose channels with
    /// honest nodes are used up.
    case channelSplitting = "channel_splitting"
    case both

    /// Share of the payments that each attack attracts to its own nodes.
    static let attracted = 0.2
    /// Independent attackers of each kind.
    private static let attackers = 3
    private static let sybilNodes = 20
    private static let splitNodes = 10
    private static let splitChannels = 120

    /// Nodes and channels that an attack has added.
    struct Addition {
        var sybils: [Int] = []
        /// Index into ``sybils``'s clusters, by position there.
        var clusters: [Int] = []
        var splitters: [Int] = []
        /// Channels with an honest node whose money is at the attacker's end: channel and attacker.
        var usedUp: [Int: Int] = [:]
    }

    /// Adds the attackers' nodes and channels to a graph.
    ///
    /// - Parameter hubs: honest nodes to connect with.
    func extend(_ graph: inout ChannelGraph, hubs: [Int], builder: inout GraphBuilder) -> Addition {
        var addition = Addition()
        if self == .sybil || self == .both {
            for cluster in 0..<Self.attackers {
                let nodes = (0..<Self.sybilNodes).map { _ in builder.node(in: &graph) }
                let hub = hubs[builder.generator.below(hubs.count)]
                _ = builder.connect(&graph, hub, nodes[0], sat: 10_000_000, feePPM: 0)
                for (index, node) in nodes.enumerated() {
                    for other in nodes[..<index] where other == nodes[0] || builder.generator.unit() < 0.5 {
                        _ = builder.connect(&graph, node, other, sat: 5_000_000, feePPM: 0)
                    }
                }
                addition.sybils += nodes
                addition.clusters += nodes.map { _ in cluster }
            }
        }
        if self == .channelSplitting || self == .both {
            for _ in 0..<Self.attackers {
                let center = builder.node(in: &graph)
                let nodes = (0..<Self.splitNodes).map { _ in builder.node(in: &graph) }
                for _ in 0..<2 {
                    let hub = hubs[builder.generator.below(hubs.count)]
                    addition.usedUp[builder.connect(&graph, hub, center, sat: 3_000_000, feePPM: 10)] = center
                }
                for _ in 0..<Self.splitChannels {
                    let node = nodes[builder.generator.below(nodes.count)]
                    _ = builder.connect(&graph, center, node, sat: 20_000, feePPM: 10)
                }
                // The center is what is sold; its nodes only adorn it.
                addition.splitters += [center, center, center] + nodes.prefix(3)
            }
        }
        return addition
    }
}

/// Adds invented nodes and channels to a graph.
struct GraphBuilder {
    var generator: SeededGenerator
    /// Gossip time of everything added.
    let time: Int64
    private var block: UInt64 = 900_000

    init(generator: SeededGenerator, time: Int64) {
        self.generator = generator
        self.time = time
    }

    /// Leaves room for the channels of another builder.
    mutating func skipBlocks(_ count: UInt64) { block += count }

    mutating func node(in graph: inout ChannelGraph) -> Int {
        while true {
            let bytes = [2] + (0..<32).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            guard let id = NodeID(bytes), graph.index(of: id) == nil else { continue }
            graph.add(GraphNode(id: id, alias: "simulated", lastUpdate: time))
            if let index = graph.index(of: id) { return index }
        }
    }

    /// Adds a channel that both ends keep open for every amount.
    ///
    /// - Returns: its index.
    mutating func connect(_ graph: inout ChannelGraph, _ a: Int, _ b: Int, sat: Int64, feePPM: Int64) -> Int {
        block += 1
        let policy = ChannelPolicy(
            feePPM: feePPM,
            timeLockDelta: 40,
            minHTLCMsat: 1000,
            maxHTLCMsat: sat * 990,
            lastUpdate: time
        )
        let isOrdered = graph.nodes[a].id < graph.nodes[b].id
        graph.add(
            Channel(
                // Transaction 0 pays the miner: no real channel has such an id.
                id: ShortChannelID(rawValue: block << 40),
                node1: Int32(isOrdered ? a : b),
                node2: Int32(isOrdered ? b : a),
                capacitySat: sat,
                policy1: policy,
                policy2: policy
            )
        )
        return graph.channels.count - 1
    }
}
