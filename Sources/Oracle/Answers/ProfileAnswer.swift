// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
public import TrustScore

/// Everything about a node on one page (`/profile/:ident`).
public struct ProfileAnswer: Encodable, Sendable {
    public struct Reports: Encodable, Sendable {
        public let total = 0
        public let successes = 0
        public let failures = 0
        public let timeouts = 0
        @OrNull public var successRate: Double?
    }

    public struct ReporterStats: Encodable, Sendable {
        public struct Breakdown: Encodable, Sendable {
            public let successes = 0
            public let failures = 0
            public let timeouts = 0
        }
        public let badge = "novice"
        public let submitted30d = 0
        public let verified30d = 0
        public let breakdown = Breakdown()
    }

    public struct SurvivalBlock: Encodable, Sendable {
        /// What the prediction rests on; `unknown` subtracts nothing.
        public struct Signals: Encodable, Sendable {
            public let scoreTrajectory: String
            public let probeStability: String
            public let gossipFreshness: String
        }
        public let score: Int
        public let prediction: String
        public let signals: Signals
    }

    /// How the node's channels changed within seven days.
    public struct ChannelFlow: Encodable, Sendable {
        public let net7d: Int
        public let capacityDelta7d: Int64
        public let trend: String
    }

    public struct CapacityHealth: Encodable, Sendable {
        @OrNull public var drainRate24h: Double?
        @OrNull public var drainRate7d: Double?
        public let trend: String
    }

    public struct FeeVolatility: Encodable, Sendable {
        /// 0 (never changes) to 100 (five changes per channel and week, or more).
        public let index: Int
        public let interpretation: String
        public let changesLast7d: Int
    }

    public let agent: NodeAnswer.Agent
    public let bayesian: BayesianBlock
    /// 1 for the best score.
    @OrNull public var rank: Int?
    public let reports: Reports
    public let reporterStats: ReporterStats
    @OrNull public var probeUptime: Double?
    public let survival: SurvivalBlock
    @OrNull public var channelFlow: ChannelFlow?
    @OrNull public var capacityHealth: CapacityHealth?
    @OrNull public var feeVolatility: FeeVolatility?
    public let riskProfile: VerdictAnswer.Profile
    public let evidence: EvidenceBlock
    public let flags: [String]
    /// Ours, 0 to 100.
    @OrNull public var score: Double?
    /// SatRank's five components.
    @OrNull public var components: CompatibleNodeScore.Components?
    /// Both scores in full.
    public let scores: ScoreBlock
}

extension ProfileAnswer {
    init(_ snapshot: ScoreSnapshot, position: Int, now: Int64) {
        let record = snapshot.records[position]
        let facts = NodeFacts(record, snapshot.pass, now: now)
        agent = NodeAnswer.Agent(record)
        bayesian = BayesianBlock(record, at: now)
        reports = Reports(successRate: nil)
        reporterStats = ReporterStats()
        survival = SurvivalBlock(facts, record, now: now)
        riskProfile = VerdictAnswer.Profile(record, snapshot.pass, now: now)
        evidence = EvidenceBlock(record)
        flags = facts.flags.map(\.rawValue)
        scores = ScoreBlock(record, snapshot.pass)
        rank = record.scores == nil ? nil : position + 1
        probeUptime = record.observations.uptime7d.map(rounded)
        channelFlow = ChannelFlow(record)
        capacityHealth = CapacityHealth(facts)
        feeVolatility = FeeVolatility(facts, changes: record.history.feeChanges7d)
        score = record.scores?.score
        components = record.scores?.compatibleComponents
    }
}

extension NodeAnswer.Agent {
    init(_ record: NodeRecord) {
        self.init(
            publicKeyHash: record.hash.hex,
            alias: record.alias,
            publicKey: record.id.hex,
            firstSeen: record.firstSeen,
            lastSeen: record.lastUpdate > 0 ? record.lastUpdate : nil,
            source: "lightning_graph"
        )
    }
}

extension ProfileAnswer.SurvivalBlock {
    init(_ facts: NodeFacts, _ record: NodeRecord, now: Int64) {
        let before = record.observations.lastWeek
        let survival = Survival(
            probabilityNow: before.map { _ in EvidenceView.of(record, at: now).judgement.belief.mean },
            probability7dAgo: before,
            uptime7d: record.observations.uptime7d,
            gossipAgeDays: facts.gossipAgeDays
        )
        let freshness =
            switch facts.gossipAgeDays {
            case nil: "unknown"
            case .some(14.0.nextUp...): "zombie"
            case .some(7.0.nextUp...): "stale"
            case .some: "fresh"
            }
        score = survival.score
        prediction = survival.prediction.rawValue
        let trajectory =
            switch facts.change7d {
            case nil: "unknown"
            case .some(...(-0.02)): "falling"
            case .some(0.02...): "rising"
            case .some: "stable"
            }
        let stability =
            switch record.observations.uptime7d {
            case nil: "unknown"
            case .some(0.8...): "stable"
            case .some(0.5...): "intermittent"
            case .some: "unstable"
            }
        signals = Signals(scoreTrajectory: trajectory, probeStability: stability, gossipFreshness: freshness)
    }
}

extension ProfileAnswer.ChannelFlow {
    init?(_ record: NodeRecord) {
        guard let channels = record.history.channels7dAgo, let capacity = record.history.capacity7dAgoSat else {
            return nil
        }
        net7d = record.channels - channels
        capacityDelta7d = record.capacitySat - capacity
        trend = net7d > 0 ? "growing" : net7d < 0 ? "declining" : "stable"
    }
}

extension ProfileAnswer.CapacityHealth {
    init?(_ facts: NodeFacts) {
        guard facts.capacityChange24h != nil || facts.capacityChange7d != nil else { return nil }
        let change = facts.capacityChange7d ?? facts.capacityChange24h ?? 0
        self.init(
            drainRate24h: facts.capacityChange24h.map(rounded),
            drainRate7d: facts.capacityChange7d.map(rounded),
            trend: change > 0.02 ? "growing" : change < -0.02 ? "declining" : "stable"
        )
    }
}

extension ProfileAnswer.FeeVolatility {
    init?(_ facts: NodeFacts, changes: Int) {
        guard let volatility = facts.feeVolatility else { return nil }
        index = Int(roundHalfUp(100 * volatility))
        interpretation = index < 10 ? "stable" : index < 30 ? "moderate" : "volatile"
        changesLast7d = changes
    }
}
