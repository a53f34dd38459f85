// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph

/// A graph with what is derived from it at once.
struct GraphView: Sendable {
    let graph: ChannelGraph
    let adjacency: Adjacency
    /// In node order.
    let facts: [NodeFacts]
    /// The moment the graph speaks of, Unix seconds.
    let clock: Int64

    init(_ graph: ChannelGraph, now: Int64) {
        self.graph = graph
        adjacency = Adjacency(graph)
        clock = graph.clock(now: now)
        facts = NodeFacts.all(of: graph, adjacency: adjacency, clock: clock)
    }
}
