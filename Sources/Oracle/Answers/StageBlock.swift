// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// The five stages of a call and what follows from them (snake case, three decimals).
public struct StageBlock: Encodable, Sendable {
    /// One stage.
    public struct Row: Encodable, Sendable {
        public let stage: String
        /// Prior and own evidence together.
        public let alpha: Double
        public let beta: Double
        public let p_success: Double
        public let ci95_low: Double
        public let ci95_high: Double
        /// Weight of own evidence.
        public let n_obs: Double
        public let is_meaningful: Bool
        public let prior: BayesianBlock.Prior
        public let recent_activity: BayesianBlock.Activity
        @OrNull public var last_update: Int64?
    }

    public let stages: [String: Row]
    /// That a whole call works: all five stages, thin ones with what their group teaches.
    public let p_e2e: Double
    public let ci95_low: Double
    public let ci95_high: Double
    /// Share of the uncertainty that comes from stages without enough evidence of their own.
    public let prior_share: Double
    public let measured_stages: Int
    public let meaningful_stages: [String]
    /// SatRank's figures: the product of measured stages only; `null` without any.
    @OrNull public var p_e2e_measured: Double?
    @OrNull public var p_e2e_pessimistic: Double?
    @OrNull public var p_e2e_optimistic: Double?
    /// Expected sat per successful call, payment fee not included; `null` without a price.
    @OrNull public var expected_cost_sats: Double?

    init(_ record: ServiceRecord, _ assessment: ServiceAssessment) {
        let composition = assessment.composition
        let interval = composition.endToEnd.interval()
        let meaningful = composition.measuredStages
        var rows: [String: Row] = [:]
        for stage in Stage.allCases {
            let seen = record.stages[stage] ?? .none
            let belief = composition.beliefs[stage] ?? Posterior.flatPrior
            let bounds = belief.interval()
            let own = belief.alpha + belief.beta - seen.prior.distribution.alpha - seen.prior.distribution.beta
            rows[stage.rawValue] = Row(
                stage: stage.rawValue,
                alpha: rounded(belief.alpha),
                beta: rounded(belief.beta),
                p_success: rounded(belief.mean),
                ci95_low: rounded(bounds.lowerBound),
                ci95_high: rounded(bounds.upperBound),
                n_obs: rounded(max(0, own)),
                is_meaningful: meaningful.contains(stage),
                prior: BayesianBlock.Prior(seen.prior),
                recent_activity: BayesianBlock.Activity(seen.activity),
                last_update: seen.beliefs.values.compactMap(\.lastUpdate).max()
            )
        }
        stages = rows
        p_e2e = rounded(composition.endToEnd.mean)
        ci95_low = rounded(interval.lowerBound)
        ci95_high = rounded(interval.upperBound)
        prior_share = rounded(composition.priorShare)
        measured_stages = meaningful.count
        meaningful_stages = meaningful.map(\.rawValue)
        p_e2e_measured = composition.measured.map { rounded($0.probability) }
        p_e2e_pessimistic = composition.measured.map { rounded($0.pessimistic) }
        p_e2e_optimistic = composition.measured.map { rounded($0.optimistic) }
        expected_cost_sats = record.priceMsat.flatMap { assessment.expectedCostMsat(price: $0, fee: 0) }
            .map { rounded($0 / 1000) }
    }
}
