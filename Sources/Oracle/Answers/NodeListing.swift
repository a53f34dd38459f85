// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A page of nodes: the whole body of `/agents/top` and `/agents/search`.
public struct NodeListing: Encodable, Sendable {
    public struct Row: Encodable, Sendable {
        public let publicKeyHash: String
        public let publicKey: String
        public let alias: String
        /// 1 for the best score.
        public let rank: Int
        /// Transactions observed; channels are not transactions and are shown as such.
        public let totalTransactions: Int
        public let channels: Int
        public let capacitySats: Int64
        public let source: String
        /// Our score, 0 to 100.
        @OrNull public var score: Double?
        /// SatRank's, for comparison.
        @OrNull public var compatScore: Double?
        public let bayesian: BayesianBlock
    }

    public struct Meta: Encodable, Sendable {
        public let total: Int
        public let limit: Int
        public let offset: Int
        @OrNull public var sort_by: String?
    }

    public let data: [Row]
    public let meta: Meta
}
