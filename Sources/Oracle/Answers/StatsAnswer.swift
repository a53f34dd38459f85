// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Counts over everything known (`/stats`).
public struct StatsAnswer: Encodable, Sendable {
    public struct VolumeBuckets: Encodable, Sendable {
        public let micro = 0
        public let small = 0
        public let medium = 0
        public let large = 0
    }

    public struct ServiceSources: Encodable, Sendable {
        public let index402 = 0
        public let self_registered = 0
        public let ad_hoc = 0

        private enum CodingKeys: String, CodingKey {
            case index402 = "402index"
            case self_registered, ad_hoc
        }
    }

    /// Where the figures come from.
    public struct Graph: Encodable, Sendable {
        /// When the last pass ended.
        public let computedAt: Int64
        /// The moment the graph speaks of.
        public let graphTime: Int64
        public let pathSource: String
        public let pathSourceIsOwnNode: Bool
    }

    /// Nodes heard of within 90 days.
    public let totalAgents: Int
    public let activeAgents: Int
    public let agentsAll: Int
    /// Lightning nodes in the graph (the name is SatRank's).
    public let totalEndpoints: Int
    public let serviceEndpointCount: Int
    /// Nodes that a path was searched to; a search in the graph, not a payment.
    public let nodesProbed: Int
    /// Percentage of those without a path for 1000 sat; `null` before the first pass.
    @OrNull public var phantomRate: Int?
    /// Nodes with such a path.
    public let verifiedReachable: Int
    /// Real probes within 24 hours.
    public let probes24h: Int
    public let totalChannels: Int
    public let nodesWithRatings: Int
    public let networkCapacityBtc: Double
    public let totalVolumeBuckets: VolumeBuckets
    public let serviceSources: ServiceSources
    @OrNull public var graph: Graph?
}

/// What the health answer needs to know of the scores.
public struct ScoreHealth: Sendable, Hashable {
    /// Nodes in memory.
    public let agentsIndexed: Int
    /// Of these, unheard of for 90 days.
    public let staleAgents: Int
    /// Unix seconds of the last pass, `nil` before the first.
    public let lastUpdate: Int64?
    /// Seconds since then.
    public let scoringAge: Int64?
    /// Whether that is more than two hours.
    public let isScoringStale: Bool
    /// Seconds since the scores were read from the database, `nil` before the first time.
    public let snapshotAge: Int64?
    /// Channels of the last pass.
    public let channels: Int
}
