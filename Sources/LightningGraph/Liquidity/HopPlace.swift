// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif
public import LightningPrimitives

/// Where a hop lies, and what anybody can see about that place.
public struct HopPlace: Sendable, Hashable {
    public let direction: ChannelDirection
    /// The node that forwards.
    public let from: NodeID
    /// The node that receives the HTLC.
    public let to: NodeID
    /// Size of the channel in msat.
    public let capacityMsat: Double
    /// ln of the sender's number of peers over the receiver's, -3 to 3: positive when the larger node sends.
    public let lean: Double
    /// Which of ``LiquidityView/groups`` kinds of nodes the receiver is.
    public let group: UInt8
}

/// A graph as the liquidity model sees it: places by direction.
public struct LiquidityView: Sendable {
    /// Kinds of nodes: by number of peers (1-2, 3-9, 10-39, more) and by how much the trusted part of the network
    /// vouches for them.
    public static let groups = 12

    public let graph: ChannelGraph
    /// By node: ln(1 + peers).
    let size: [Double]
    /// By node.
    let group: [UInt8]

    /// Prepares a graph.
    ///
    /// - Parameters:
    ///   - facts: in node order.
    ///   - percentiles: of the seeded PageRank, in node order, 0 to 100. A region of invented nodes cannot buy it.
    /// - Precondition: both have one element per node.
    public init(_ graph: ChannelGraph, facts: [NodeFacts], percentiles: [Double]) {
        precondition(facts.count == graph.nodes.count && percentiles.count == graph.nodes.count, "one per node")
        self.graph = graph
        size = facts.map { log(1 + Double($0.peers)) }
        group = zip(facts, percentiles).map { facts, percentile in
            let peers = facts.peers < 3 ? 0 : facts.peers < 10 ? 1 : facts.peers < 40 ? 2 : 3
            let rank = percentile < 40 ? 0 : percentile < 80 ? 1 : 2
            return UInt8(peers * 3 + rank)
        }
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
