// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives

/// From where the graph is looked at: the start of the paths and the seeds of PageRank.
struct Vantage {
    /// Index of the node the paths start at.
    let source: Int
    let isOwnNode: Bool
    /// Index of the node that the source itself is looked at from: the best connected other one.
    let second: Int?
    /// Indexes of the trusted nodes.
    private(set) var seeds: [Int]
    /// Indexes of the nodes that vouch for others in the liquidity model: where the paths start, and the 200 nodes with the
    /// largest live capacity, or one in twenty of a small graph.
    let vouchers: [Int]
    /// Indexes of the 2000 nodes with the largest live capacity.
    let largest: [Int]

    /// Seeds when nobody is named: this many nodes with the largest live capacity.
    ///
    /// Capacity is chosen because it costs bitcoin; a count of channels or a PageRank without seeds costs next to nothing.
    static let defaultSeeds = 200
    /// Nodes whose flow is measured whatever it costs.
    static let measuredNodes = 2000

    /// Chooses the vantage.
    ///
    /// Paths start at our own node. If the graph does not hold it (a new node, a sandbox) they start at the configured
    /// node, else at the node with the largest live capacity, which the report says. Seeds are our own node and
    /// the trusted ones; without any of them the 200 nodes with the largest live capacity.
    /// - Precondition: the graph has a node.
    init(graph: ChannelGraph, facts: [NodeFacts], own: NodeID, options: PassOptions) {
        let ranked = facts.indices.sorted {
            (facts[$0].liveCapacitySat, graph.nodes[$1].id) > (facts[$1].liveCapacitySat, graph.nodes[$0].id)
        }
        let ownIndex = graph.index(of: own).flatMap { facts[$0].channels > 0 ? $0 : nil }
        isOwnNode = ownIndex != nil
        source = ownIndex ?? options.fallbackSource.flatMap(graph.index) ?? ranked[0]
        second = ranked.first { [source] in $0 != source }
        let trusted = ranked.prefix(min(Self.defaultSeeds, max(1, ranked.count / 20)))
        vouchers = Set(trusted).union([source]).sorted()
        largest = Array(ranked.prefix(Self.measuredNodes))
        var named = Set(options.trustedNodes.compactMap(graph.index))
        if let ownIndex { named.insert(ownIndex) }
        seeds = named.isEmpty ? Array(ranked.prefix(Self.defaultSeeds)) : named.sorted()
    }

    /// Trusts nodes that have proven that payments reach them, too.
    mutating func trust(_ settled: some Sequence<Int>) { seeds = Set(seeds).union(settled).sorted() }
}
