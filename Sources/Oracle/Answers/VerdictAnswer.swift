// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import TrustScore

/// The answer to "can I trust this node?": the Bayesian block's members and what follows from them.
public struct VerdictAnswer: Encodable, Sendable {
    public struct Profile: Encodable, Sendable {
        public let name: String
        public let riskLevel: String
        public let description: String
    }

    /// One reason of the advisory.
    public struct Reason: Encodable, Sendable {
        public let code: String
        public let level: String
        public let msg: String
        public let signal_strength: Double
    }

    /// A JSON object that is never filled yet: no source exists for it.
    public struct Nothing: Encodable, Sendable {}

    /// The members beside those of the Bayesian block.
    struct Judgement: Encodable, Sendable {
        let publicKeyHash: String
        let reason: String
        let flags: [String]
        @OrNull var personalTrust: Nothing?
        let riskProfile: Profile
        @OrNull var pathfinding: Nothing?
        let advisory_level: String
        let risk_score: Double
        let advisories: [Reason]
        let recommendation: String
        /// Share of checks that reached the node; `null` without checks.
        @OrNull var reachability: Double?
        @OrNull var operator_id: String?
        /// Our score of the node's place in the graph, a model; `null` when the graph does not hold the node.
        @OrNull var score: Double?
    }

    public let bayesian: BayesianBlock
    let judgement: Judgement
    /// Whether the node is known at all.
    public let isKnown: Bool

    public func encode(to encoder: any Encoder) throws {
        try judgement.encode(to: encoder)
        try bayesian.encode(to: encoder)
    }
}

extension VerdictAnswer {
    init(_ snapshot: ScoreSnapshot, _ identifier: NodeIdentifier, now: Int64) {
        let record = snapshot.record(identifier)
        let facts = record.map { NodeFacts($0, snapshot.pass, now: now) }
        let flags = facts?.flags ?? []
        let view = EvidenceView.of(record, at: now, hasCriticalFlag: flags.contains(where: \.isCritical))
        // Of a node that nobody has seen anything is possible.
        let interval = record == nil ? 0.0...1.0 : view.interval
        let reachability = record?.observations.uptime7d
        let advisory = Advisory(
            flags: flags,
            reachability: reachability,
            change7d: facts?.change7d,
            interval: interval
        )
        let recommendation = advisory.recommendation(
            verdict: view.judgement.verdict,
            lowerBound: interval.lowerBound,
            hasCriticalFlag: flags.contains(where: \.isCritical)
        )
        isKnown = record != nil
        bayesian = BayesianBlock(view, record?.observations ?? .none, interval: interval)
        judgement = Judgement(
            publicKeyHash: identifier.hash.hex,
            reason: Self.reason(record, view, flags),
            flags: flags.map(\.rawValue),
            personalTrust: nil,
            riskProfile: Profile(record, snapshot.pass, now: now),
            pathfinding: nil,
            advisory_level: advisory.level.rawValue,
            risk_score: advisory.riskScore,
            advisories: advisory.entries.map(Reason.init),
            recommendation: recommendation.rawValue,
            reachability: reachability.map(rounded),
            operator_id: nil,
            score: record?.scores?.score
        )
    }

    /// One sentence for a person.
    private static func reason(_ record: NodeRecord?, _ view: EvidenceView, _ flags: [Flag]) -> String {
        guard let record else { return "This node is not in the graph we know." }
        guard !view.assessment.sources.isEmpty else {
            let base = "No payment or probe of this node has been observed yet"
            if record.scores == nil { return "\(base), and it has left the graph." }
            return flags.contains(.unreachable)
                ? "\(base), and the graph shows no way to pay it 1000 sat."
                : "\(base); its score is a model of the public graph."
        }
        switch view.judgement.verdict {
        case .safe: return "Observed outcomes make a success rate above 80 % at least 95 % likely."
        case .risky: return "Observed outcomes make a success rate below 50 % at least 90 % likely."
        case .insufficient: return "There are fewer than three observations' worth of evidence."
        case .unknown: return "The observed outcomes do not decide the matter."
        }
    }
}

extension VerdictAnswer.Profile {
    init(_ record: NodeRecord?, _ pass: PassRecord?, now: Int64) {
        guard let record, let scores = record.scores else {
            self.init(
                name: RiskProfile.unrated.rawValue,
                riskLevel: RiskLevel.unknown.rawValue,
                description: RiskProfile.unrated.explanation
            )
            return
        }
        let facts = RiskProfile.Facts(
            score: scores.compatibleScore,
            ageDays: NodeFacts(record, pass, now: now).ageDays,
            channels: record.channels,
            regularity: scores.compatibleComponents.regularity,
            change7d: NodeFacts(record, pass, now: now).change7d
        )
        let (profile, level) = RiskProfile.of(facts)
        self.init(name: profile.rawValue, riskLevel: level.rawValue, description: profile.explanation)
    }
}
