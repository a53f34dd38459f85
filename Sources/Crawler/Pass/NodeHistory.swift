// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What the database knows of a node beyond the graph of the moment.
struct NodeHistory: Sendable, Hashable {
    /// Unix seconds: the earlier of our first sighting and the block of the oldest channel ever seen.
    var firstSeen: Int64
    /// Unix seconds of our own first sighting.
    var firstObserved: Int64
    /// Capacity in sat as of seven days ago.
    var capacity7dAgo: Int64?
    /// Fees of the node's own directions that became others within seven days.
    var feeChanges7d = 0
    /// Payments and HTLC probes of the node; `nil` without any.
    var payments: Payments?

    /// What was seen of payments to a node.
    struct Payments: Sendable, Hashable {
        /// Mean of the belief, with what is expected of such nodes.
        var mean: Double
        /// Weight of the outcomes themselves, decayed.
        var weight: Double
        /// Whether one arrived, or could have, within 30 days.
        var hasSettled: Bool
    }
}
