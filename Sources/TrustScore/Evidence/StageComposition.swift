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
    /// What is believed of each stage, prior included.
    public let beliefs: [Stage: BetaDistribution]

    /// Composes the stages on top of what their groups teach.
    ///
    /// - Parameters:
    ///   - evidence: own evidence on the flat prior, by stage.
    ///   - priors: what is expected of each stage; flat when absent.
    public init(evidence: [Stage: BetaDistribution], on priors: [Stage: BetaDistribution]) {
        let measured = StageComposition(evidence)
        let flat = Posterior.flatPrior
        var beliefs: [Stage: BetaDistribution] = [:]
        for stage in Stage.allCases {
            let (prior, own) = (priors[stage] ?? flat, evidence[stage] ?? flat)
            beliefs[stage] = BetaDistribution(
                alpha: prior.alpha + max(0, own.alpha - flat.alpha),
                beta: prior.beta + max(0, own.beta - flat.beta)
            )
        }
        self.init(
            measuredStages: measured.measuredStages,
            measured: measured.measured,
            beliefs: beliefs,
            seen: Set(measured.measuredStages)
        )
    }

    /// Composes the stages.
    ///
    /// - Parameters:
    ///   - stages: beliefs about the stages that were seen, thin ones included; absent means never seen.
    ///   - priors: the belief about a stage that was never seen; flat when absent.
    public init(_ stages: [Stage: BetaDistribution], priors: [Stage: BetaDistribution] = [:]) {
        let isMeasured = { (stage: Stage) in (stages[stage]?.evidence ?? 0) >= Self.measuredThreshold }
        let measuredStages = Stage.allCases.filter(isMeasured)
        let counted = measuredStages.compactMap { stages[$0] }
        let intervals = counted.map(\.compatibleInterval)
        let measured =
            counted.isEmpty
            ? nil
            : Measured(
                probability: counted.reduce(1) { $0 * $1.mean },
                pessimistic: intervals.reduce(1) { $0 * $1.lowerBound },
                optimistic: intervals.reduce(1) { $0 * $1.upperBound }
            )
        var beliefs: [Stage: BetaDistribution] = [:]
        for stage in Stage.allCases { beliefs[stage] = stages[stage] ?? priors[stage] ?? Posterior.flatPrior }
        self.init(
            measuredStages: measuredStages,
            measured: measured,
            beliefs: beliefs,
            seen: Set(stages.keys)
        )
    }

    private init(
        measuredStages: [Stage],
        measured: Measured?,
        beliefs: [Stage: BetaDistribution],
        seen: Set<Stage>
    ) {
        self.measuredStages = measuredStages
        self.measured = measured
        self.beliefs = beliefs
        endToEnd = Self.product(Stage.allCases.compactMap { beliefs[$0] })
        var (unseen, all) = (0.0, 0.0)
        for (stage, belief) in beliefs {
            let relative = belief.variance / (belief.mean * belief.mean)
            all += relative
            if !seen.contains(stage) { unseen += relative }
        }
        priorShare = unseen / all
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
