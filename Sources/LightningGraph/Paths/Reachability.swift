// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// How every node can be paid one amount from one node: the outcome of a ``PathSweep``.
public struct Reachability: Sendable {
    /// The cheapest path to a node, by expected cost.
    public struct Path: Sendable, Hashable {
        /// Channels on the path; 0 for the source itself.
        public let hops: Int
        /// Fees of all nodes on the way.
        ///
        /// Computed with a constant amount, so up to 1 % of itself too low.
        public let fee: MilliSatoshi
        /// The probability that every channel on the path can carry the amount, 0 to 1.
        public let probability: Double
    }

    /// The amount that arrives.
    public let amount: MilliSatoshi
    /// Index of the node the paths start at.
    public let source: Int
    private var paths: [Path?]

    init(amount: MilliSatoshi, source: Int, paths: [Path?]) {
        self.amount = amount
        self.source = source
        self.paths = paths
    }

    /// The path to a node, or `nil` when there is none.
    public subscript(node: Int) -> Path? { paths[node] }

    /// Replaces the path to the source itself, which has no hops, by the one another node would take.
    ///
    /// - Precondition: both are of the same graph.
    public mutating func lookAtSource(from other: Reachability) { paths[source] = other.paths[source] }

    /// Replaces the path to a node by one with exact amounts.
    ///
    /// - Parameters:
    ///   - exact: `nil` when there is none.
    ///   - probability: of the path as a whole; the product over its hops when `nil`.
    public mutating func replacePath(to node: Int, by exact: ExactPath?, probability: Double? = nil) {
        paths[node] = exact.map {
            Path(hops: $0.hops.count, fee: $0.fee, probability: probability ?? $0.probability)
        }
    }

    /// Nodes that have a path, the source included.
    public var reachable: Int { paths.count { $0 != nil } }
}
