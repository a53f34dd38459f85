// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A graph as the liquidity model sees it: places by direction.
public struct LiquidityView: Sendable {
    public let graph: ChannelGraph
    /// By node: ln(1 + peers).
    private let size: [Double]
    /// By node.
    let group: [UInt8]

    /// Prepares a graph.
    ///
    /// - Parameters:
    ///   - facts: in node order.
    ///   - links: those the ranks were computed on.
    ///   - ranks: the seeded PageRank, in node order. A region of invented nodes cannot buy it.
    /// - Precondition: all are of this graph.
    public init(_ graph: ChannelGraph, facts: [NodeFacts], links: WeightedLinks, ranks: [Double]) {
        precondition(facts.count == graph.nodes.count && ranks.count == graph.nodes.count, "one per node")
        self.graph = graph
        size = facts.map { log(1 + Double($0.peers)) }
        let vouching = Self.vouching(links, ranks)
        group = zip(facts, vouching).map { NodeGroup($0, vouching: $1).index }
    }

    /// By node: its share of the seeded PageRank over its share of all capacity, the middle node being 1.
    ///
    /// Near 1 for a node whose links lead to the trusted part of the network. A region of invented nodes gets rank only
    /// over its few links with honest nodes, however much money it shows within.
    private static func vouching(_ links: WeightedLinks, _ ranks: [Double]) -> [Double] {
        let ratios = zip(ranks, links.totals).map { $1 > 0 ? $0 / $1 : 0 }
        let linked = ratios.filter { $0 > 0 }.sorted()
        guard !linked.isEmpty else { return ratios.map { _ in 1 } }
        let middle = linked[linked.count / 2]
        return ratios.map { $0 / middle }
    }

    /// The place of a direction as ``Adjacency/Arc/direction`` numbers it.
    public func place(_ direction: Int32) -> HopPlace {
        let channel = graph.channels[Int(direction >> 1)]
        let isReversed = direction & 1 == 1
        let (from, to) = isReversed ? (channel.node2, channel.node1) : (channel.node1, channel.node2)
        return HopPlace(
            direction: ChannelDirection(channel.id, isReversed: isReversed),
            from: graph.nodes[Int(from)].id,
            to: graph.nodes[Int(to)].id,
            capacityMsat: Double(channel.capacitySat) * 1000,
            lean: lean(from: from, to: to),
            group: group[Int(to)]
        )
    }

    func lean(from: Int32, to: Int32) -> Double { min(3, max(-3, size[Int(from)] - size[Int(to)])) }
}

/// What sort of node one is, as far as the graph tells: by its peers, and by how hard that was to get.
struct NodeGroup: Sendable, Hashable {
    static let count = 16
    /// Live capacity per channel below which channels are thought to be for show, in sat.
    ///
    /// Many minimum channels to own nodes are the cheapest way to look well connected.
    private static let thinChannelSat: Int64 = 200_000

    let index: UInt8

    init(_ facts: NodeFacts, vouching: Double) {
        let size: UInt8 = facts.peers < 3 ? 0 : facts.peers < 10 ? 1 : facts.peers < 40 ? 2 : 3
        let isThin = facts.liveCapacitySat < Self.thinChannelSat * Int64(facts.channels)
        index = size * 4 + (vouching < 0.15 ? 0 : isThin ? 1 : vouching < 0.5 ? 2 : 3)
    }

    /// The share of doubtful nodes thought to be in a group before anything was seen.
    static func doubt(_ index: Int) -> Double {
        switch index % 4 {
        case 0: 0.8
        case 1: 0.5
        case 2: 0.2
        default: [0.16, 0.12, 0.06, 0.03][index / 4]
        }
    }
}
