// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// What was observed of a target and how sure one can be: the shared block of the API (snake case, three decimals).
public struct BayesianBlock: Encodable, Sendable {
    /// One source's own belief.
    public struct Source: Encodable, Sendable {
        public let p_success: Double
        public let ci95_low: Double
        public let ci95_high: Double
        public let n_obs: Double
        public let weight_total: Double

        init(_ belief: BetaDistribution) {
            let interval = belief.interval()
            p_success = rounded(belief.mean)
            ci95_low = rounded(interval.lowerBound)
            ci95_high = rounded(interval.upperBound)
            n_obs = rounded(belief.evidence)
            weight_total = rounded(belief.evidence)
        }
    }

    public struct Sources: Encodable, Sendable {
        @OrNull public var probe: Source?
        @OrNull public var report: Source?
        @OrNull public var paid: Source?
    }

    public struct Convergence: Encodable, Sendable {
        public let converged: Bool
        public let sources_above_threshold: [String]
        public let threshold: Double
    }

    /// Outcomes by age.
    public struct Activity: Encodable, Sendable {
        public let last_24h: Int
        public let last_7d: Int
        public let last_30d: Int

        init(_ activity: Observations.Activity) {
            last_24h = activity.last24h
            last_7d = activity.last7d
            last_30d = activity.last30d
        }
    }

    /// The belief before any observation of this target.
    public struct Prior: Encodable, Sendable {
        public let alpha: Double
        public let beta: Double
        /// Where it was learnt: `flat` is nowhere.
        public let level: String

        init(_ prior: PriorChain.Prior) {
            alpha = rounded(prior.distribution.alpha)
            beta = rounded(prior.distribution.beta)
            level = prior.level.rawValue
        }

        /// The prior of something that is made of several.
        init(_ distribution: BetaDistribution, level: String) {
            alpha = rounded(distribution.alpha)
            beta = rounded(distribution.beta)
            self.level = level
        }
    }

    public let p_success: Double
    public let ci95_low: Double
    public let ci95_high: Double
    /// Weight of own observations; 0 means that nothing was observed, whatever `p_success` says.
    public let n_obs: Double
    /// Ours: by probabilities of the exact posterior.
    public let verdict: String
    /// By SatRank's rules, for comparison.
    public let verdict_compat: String
    public let sources: Sources
    public let convergence: Convergence
    public let recent_activity: Activity
    public let risk_profile: String
    public let time_constant_days: Int
    @OrNull public var last_update: Int64?
    /// Whether there is enough evidence for the figures to mean anything.
    public let is_meaningful: Bool
    /// P(p > 0.80) and P(p < 0.50), which decide the verdict.
    public let q80: Double
    public let q50: Double
    public let prior: Prior

    /// The block of a node as of a time.
    init(_ record: NodeRecord?, at time: Int64) {
        self.init(EvidenceView.of(record, at: time), record?.observations ?? .none)
    }

    init(_ view: EvidenceView, _ observations: Observations, interval: ClosedRange<Double>? = nil) {
        let assessment = view.assessment
        let belief = view.judgement.belief
        let interval = interval ?? view.interval
        p_success = rounded(belief.mean)
        ci95_low = rounded(interval.lowerBound)
        ci95_high = rounded(interval.upperBound)
        n_obs = rounded(assessment.combined.evidence)
        verdict = view.judgement.verdict.rawValue
        verdict_compat = assessment.compatibleVerdict().rawValue
        sources = Sources(
            probe: assessment.sources[.probe].map(Source.init),
            report: assessment.sources[.report].map(Source.init),
            paid: assessment.sources[.paid].map(Source.init)
        )
        convergence = Convergence(
            converged: assessment.isConverged,
            sources_above_threshold: assessment.sourcesAboveThreshold.map(\.rawValue),
            threshold: Assessment.convergenceThreshold
        )
        recent_activity = Activity(observations.activity)
        risk_profile = RiskLevel(recent: observations.recent, earlier: observations.earlier).rawValue
        time_constant_days = Int(Posterior.compatibleTimeConstant / 86_400)
        is_meaningful = assessment.combined.evidence >= StageComposition.measuredThreshold
        q80 = rounded(view.judgement.probabilityAbove80)
        q50 = rounded(view.judgement.probabilityBelow50)
        prior = Prior(view.prior)
        last_update = view.lastUpdate
    }
}

extension BayesianBlock {
    /// The block of a whole call to a service.
    init(_ record: ServiceRecord, _ assessment: ServiceAssessment) {
        let (judgement, compatible) = (assessment.judgement, assessment.compatible)
        let interval = judgement.belief.interval()
        p_success = rounded(judgement.belief.mean)
        ci95_low = rounded(interval.lowerBound)
        ci95_high = rounded(interval.upperBound)
        n_obs = rounded(assessment.evidence)
        verdict = judgement.verdict.rawValue
        verdict_compat = compatible.compatibleVerdict().rawValue
        sources = Sources(
            probe: compatible.sources[.probe].map(Source.init),
            report: compatible.sources[.report].map(Source.init),
            paid: compatible.sources[.paid].map(Source.init)
        )
        convergence = Convergence(
            converged: compatible.isConverged,
            sources_above_threshold: compatible.sourcesAboveThreshold.map(\.rawValue),
            threshold: Assessment.convergenceThreshold
        )
        // Every call begins with its challenge.
        let challenge = record.stages[.challenge] ?? .none
        recent_activity = Activity(challenge.activity)
        risk_profile = RiskLevel(recent: challenge.recent, earlier: challenge.earlier).rawValue
        time_constant_days = Int(Posterior.compatibleTimeConstant / 86_400)
        is_meaningful = assessment.evidence >= StageComposition.measuredThreshold
        q80 = rounded(judgement.probabilityAbove80)
        q50 = rounded(judgement.probabilityBelow50)
        let expected = StageComposition(evidence: [:], on: record.stages.mapValues(\.prior.distribution))
        prior = Prior(expected.endToEnd, level: "stages")
        last_update = record.lastOutcome
    }
}

/// Three decimals, as all probabilities of the API.
func rounded(_ value: Double) -> Double { roundHalfUp(value, decimals: 3) }
