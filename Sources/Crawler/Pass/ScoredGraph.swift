// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives

/// A graph and the scores that are stored for it.
struct ScoredGraph: Sendable {
    /// The node that the graph was read from.
    let node: NodeID
    /// In order.
    var graph: ChannelGraph
    /// As of the last pass that was committed.
    let results: [NodeID: ScoreRow]
}
