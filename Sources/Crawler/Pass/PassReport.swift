// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningGraph
public import LightningPrimitives

/// What a pass did and how long each step took.
public struct PassReport: Sendable {
    /// The steps in their order.
    public enum Step: String, Sendable, Hashable, CaseIterable {
        /// Waiting for the source's bytes.
        case receive
        /// Parsing them and building the graph.
        case parse
        /// Adjacency and the facts of every node.
        case facts
        /// Sending nodes, channels and policies to the database and writing what changed.
        case ingest
        /// Reading the history that scores need.
        case history
        /// Both PageRanks.
        case rank
        /// Learning from own payments and probes what channels can carry.
        case liquidity
        /// The best paths for every amount.
        case paths
        /// What the seeds could send to every node.
        case flow
        /// Both scores of every node.
        case score
        /// Writing the scores that changed.
        case write
        /// Committing.
        case commit
    }

    /// Rows that were added, changed or removed.
    public struct Changes: Sendable, Hashable {
        public internal(set) var nodes = 0
        public internal(set) var channels = 0
        public internal(set) var policies = 0
        /// Fees that became others.
        public internal(set) var fees = 0
        public internal(set) var removedChannels = 0
        public internal(set) var scores = 0

        /// All rows together.
        public var total: Int { nodes + channels + policies + fees + removedChannels + scores }
    }

    public internal(set) var steps: [(step: Step, duration: Duration)] = []
    /// From the first request to the commit.
    public internal(set) var duration = Duration.zero
    public internal(set) var changes = Changes()
    /// Whether the whole graph was read; a pass over changes has no steps `receive` and `parse`.
    public internal(set) var isFull = true
    /// What was read and what was passed over.
    public let reading: GraphReader.Report
    public let nodes: Int
    public let channels: Int
    /// The node the paths start at.
    public let source: NodeID
    /// Whether that is our own node; if the graph does not hold it, paths start at the best connected one.
    public let isSourceOwnNode: Bool
    /// Nodes PageRank starts at.
    public internal(set) var seeds = 0
    /// Nodes that can be paid, by amount in sat.
    public internal(set) var reachable: [Int64: Int] = [:]

    /// How long a step took, zero when it did not run.
    public subscript(step: Step) -> Duration {
        steps.first { $0.step == step }?.duration ?? .zero
    }
}

/// How far a pass has come, for a progress line.
public struct PassProgress: Sendable, Hashable {
    /// What is being done: `graph`, `store`, `score` or `write`.
    public let phase: String
    /// Bytes in the phase `graph`, steps in the others.
    public let done: Int
    /// `nil` when nobody knows.
    public let total: Int?
}
