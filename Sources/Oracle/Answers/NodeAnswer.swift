// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
public import TrustScore

/// What is on file about a node (`/agent/:ident`).
public struct NodeAnswer: Encodable, Sendable {
    public struct Agent: Encodable, Sendable {
        public let publicKeyHash: String
        public let alias: String
        public let publicKey: String
        public let firstSeen: Int64
        @OrNull public var lastSeen: Int64?
        public let source: String
    }

    /// Counts of transactions between agents, of which there are none on file.
    public struct Stats: Encodable, Sendable {
        public let totalTransactions = 0
        public let verifiedTransactions = 0
        public let uniqueCounterparties = 0
        public let attestationsReceived = 0
        public let avgAttestationScore = 0.0
    }

    public let agent: Agent
    public let bayesian: BayesianBlock
    public let stats: Stats
    public let evidence: EvidenceBlock
    public let alerts: [String]
    public let scores: ScoreBlock
}

/// What the figures about a node rest on.
public struct EvidenceBlock: Encodable, Sendable {
    public struct Transactions: Encodable, Sendable {
        public let count = 0
        public let verifiedCount = 0
        public let sample: [String] = []
    }

    public struct Graph: Encodable, Sendable {
        public let publicKey: String
        public let channels: Int
        public let capacitySats: Int64
        public let peers: Int
        public let disabledChannels: Int
        @OrNull public var sourceUrl: String?
    }

    public struct Popularity: Encodable, Sendable {
        public let queryCount = 0
        public let bonusApplied = 0
    }

    public let transactions: Transactions
    @OrNull public var lightningGraph: Graph?
    /// Ratings of third parties are not used.
    @OrNull public var reputation: VerdictAnswer.Nothing?
    /// Reading never changes a score.
    public let popularity: Popularity
    /// The last probe; none is made yet.
    @OrNull public var probe: VerdictAnswer.Nothing?

    init(_ record: NodeRecord) {
        transactions = Transactions()
        popularity = Popularity()
        reputation = nil
        probe = nil
        lightningGraph = record.scores.map { _ in
            Graph(
                publicKey: record.id.hex,
                channels: record.channels,
                capacitySats: record.capacitySat,
                peers: record.peers,
                disabledChannels: record.disabledChannels,
                sourceUrl: nil
            )
        }
    }
}

/// Both scores of a node and what they are made of.
public struct ScoreBlock: Encodable, Sendable {
    /// The best path from the oracle's vantage for one amount.
    public struct Path: Encodable, Sendable {
        /// Modelled probability that every channel on the path can carry the amount.
        public let p: Double
        public let hops: Int
        public let feeMsat: Int64
    }

    /// The paths by amount in sat; `null` where there is none.
    public struct Reach: Encodable, Sendable {
        private let paths: [(key: Key, path: Path?)]

        init(_ reach: [String: NodeRecord.Path]) {
            paths = [1000, 10_000, 100_000, 1_000_000].map { sat in
                let path = reach[String(sat)]
                return (Key(stringValue: String(sat)), path.map { Path(p: $0.p, hops: $0.hops, feeMsat: $0.fee_msat) })
            }
        }

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            for (key, path) in paths { try container.encode(path, forKey: key) }
        }
    }

    /// SatRank's score.
    public struct Compatible: Encodable, Sendable {
        public let score: Double
        public let components: CompatibleNodeScore.Components
    }

    /// What the score is a model of.
    public struct Basis: Encodable, Sendable {
        public let model = "assay_v1"
        /// Kinds of evidence that entered the score.
        public let evidence: [String]
        /// Where paths start.
        @OrNull public var pathSource: String?
        /// Whether that is the oracle's own node; if not, it is the best connected one.
        ///
        /// The source itself is looked at from the best connected other node.
        @OrNull public var pathSourceIsOwnNode: Bool?
        @OrNull public var computedAt: Int64?
    }

    /// Ours, 0 to 100; `null` when the graph does not hold the node.
    @OrNull public var score: Double?
    /// Values of the components with evidence, 0 to 1.
    public let components: [String: Double]
    /// Weights of those components before they share out what is absent.
    public let weights: [String: Double]
    /// Percentile of the seeded PageRank, 0 to 100.
    @OrNull public var percentile: Double?
    @OrNull public var reach: Reach?
    @OrNull public var compat: Compatible?
    public let basis: Basis

    init(_ record: NodeRecord, _ pass: PassRecord?) {
        let scores = record.scores
        components = scores?.components ?? [:]
        var weights: [String: Double] = [:]
        for component in NodeScore.Component.allCases where components[component.rawValue] != nil {
            weights[component.rawValue] = component.weight
        }
        self.weights = weights
        basis = Basis(
            evidence: scores == nil ? [] : ["public_graph"] + record.observations.beliefs.keys.map(\.rawValue).sorted(),
            pathSource: pass?.source.hex,
            pathSourceIsOwnNode: pass?.sourceIsOwn,
            computedAt: pass?.finishedAt
        )
        score = scores?.score
        percentile = scores.map { roundHalfUp($0.percentile, decimals: 2) }
        reach = scores.map { Reach($0.reach) }
        compat = scores.map { Compatible(score: $0.compatibleScore, components: $0.compatibleComponents) }
    }
}
