// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// What is known of the last scoring pass.
struct PassRecord: Sendable {
    /// Unix seconds.
    let finishedAt: Int64
    /// The moment the graph speaks of.
    let graphClock: Int64
    let nodes: Int
    let channels: Int
    /// Where paths start.
    let source: NodeID
    /// Whether that is our own node.
    let sourceIsOwn: Bool

    /// The time by the graph's clock: as far from the graph's moment as now is from the pass.
    ///
    /// Ages of gossip are reckoned by it, so that a graph replayed a year later does not look dead.
    func graphTime(now: Int64) -> Int64 { graphClock + max(0, now - finishedAt) }
}
