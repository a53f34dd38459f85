// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The stages of one L402 call, in order.
public enum Stage: String, Sendable, Hashable, CaseIterable, Codable {
    case challenge, invoice, payment, delivery, quality
}

/// The probability that a whole L402 call works, from what is known of its five stages.
public struct StageComposition: Sendable, Hashable {
    /// Evidence beyond the flat prior from which a stage counts as measured.
    public static let measuredThreshold = 3.0

    /// SatRank's figures: only measured stages take part, so the less is tested the better it looks.
    public struct Measured: Sendable, Hashable {
        /// Product of the means.
        public let probability: Double
        /// Product of the lower 95 % bounds; not a bound of the product.
        public let pessimistic: Double
        /// Product of the upper bounds.
        public let optimistic: Double
    }

    /// Stages with enough evidence of their own.
    public let measuredStages: [Stage]
    /// `nil` when no stage is measured.
    public let measured: Measured?
    /// The whole call: all five stages, unseen ones with their group's prior, moments matched by one Beta.
    public let endToEnd: BetaDistribution
    /// Share of the variance of log p that comes from stages without evidence of their own, 0 to 1.
    public let priorShare: Double

    /// Composes the stages.
    ///
    /// - Parameters:
    ///   - stages: beliefs about the stages that were seen, thin ones included; absent means never seen.
    ///   - priors: the belief about a stage that was never seen; flat when absent.
    public init(_ stages: [Stage: BetaDistribution], priors: [Stage: BetaDistribution] = [:]) {
        let isMeasured = { (stage: Stage) in (stages[stage]?.evidence ?? 0) >= Self.measuredThreshold }
        measuredStages = Stage.allCases.filter(isMeasured)
        let beliefs = measuredStages.compactMap { stages[$0] }
        let intervals = beliefs.map(\.compatibleInterval)
        measured =
            beliefs.isEmpty
            ? nil
            : Measured(
                probability: beliefs.reduce(1) { $0 * $1.mean },
                pessimistic: intervals.reduce(1) { $0 * $1.lowerBound },
                optimistic: intervals.reduce(1) { $0 * $1.upperBound }
            )
        let all = Stage.allCases.map { stage -> (belief: BetaDistribution, isOwn: Bool) in
            stages[stage].map { ($0, true) } ?? (priors[stage] ?? Posterior.flatPrior, false)
        }
        endToEnd = Self.product(all.map(\.belief))
        let relative = all.map { $0.belief.variance / ($0.belief.mean * $0.belief.mean) }
        let unmeasured = zip(all, relative).filter { !$0.0.isOwn }.reduce(0) { $0 + $1.1 }
        priorShare = unmeasured / relative.reduce(0, +)
    }

    /// The Beta distribution with the mean and variance of a product of independent ones.
    static func product(_ factors: [BetaDistribution]) -> BetaDistribution {
        let mean = factors.reduce(1) { $0 * $1.mean }
        let second = factors.reduce(1) { $0 * ($1.variance + $1.mean * $1.mean) }
        let variance = second - mean * mean
        let mass = mean * (1 - mean) / variance - 1
        return BetaDistribution(alpha: mean * mass, beta: (1 - mean) * mass)
    }
}
