// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import TrustScore

/// Everything the oracle knows of one node.
struct NodeRecord: Sendable {
    /// The best path for one amount.
    struct Path: Sendable, Hashable, Codable {
        /// Probability that every channel on the path can carry the amount, under the liquidity model.
        let p: Double
        let hops: Int
        let fee_msat: Int64
    }

    let id: NodeID
    let hash: NodeHash
    let alias: String
    /// Unix seconds.
    let firstSeen: Int64
    /// Gossip time of the last announcement, 0 for none.
    let lastUpdate: Int64
    let channels: Int
    let capacitySat: Int64
    let peers: Int
    let disabledChannels: Int
    let isStale: Bool
    /// Unix seconds of our own first sighting.
    let firstObserved: Int64
    let history: History
    /// `nil` for a node that the last graph did not hold.
    let scores: Scores?
    let observations: Observations
    /// The view of a node without outcomes, which many nodes share; `nil` for one that has some.
    let unobserved: EvidenceView?

    struct History: Sendable {
        let capacity1dAgoSat: Int64?
        let capacity7dAgoSat: Int64?
        let channels7dAgo: Int?
        /// Fees that became others within seven days.
        let feeChanges7d: Int
    }

    struct Scores: Sendable {
        let score: Double
        /// Values by component name, 0 to 1.
        let components: [String: Double]
        /// Percentile of the seeded PageRank.
        let percentile: Double
        /// By amount in sat.
        let reach: [String: Path]
        let compatibleScore: Double
        let compatibleComponents: CompatibleNodeScore.Components
    }
}
