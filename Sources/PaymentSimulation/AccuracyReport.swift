// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// Who forecast how well: the outcome of an ``AccuracyExperiment``.
public struct AccuracyReport: Sendable {
    /// How well one method did.
    public struct Score: Sendable, Hashable {
        public let predictor: PredictorName
        public let brier: Double
        public let logLoss: Double
        /// `nil` when all payments had the same outcome.
        public let auc: Double?
        public let calibrationError: Double
        /// Ten groups of equal size, by forecast.
        public let groups: [ReliabilityGroup]
    }

    /// By how much ours is better than the best other: positive is better, with a 95 % bootstrap interval.
    public struct Margin: Sendable, Hashable {
        public let rival: PredictorName
        public let mean: Double
        public let low: Double
        public let high: Double
    }

    /// All methods on the same payments.
    public struct Comparison: Sendable {
        /// `nil` when several are pooled.
        public let assumption: BalanceAssumption?
        public let attack: Attack?
        public let observations: Int
        public let payments: Int
        /// Share of the payments that arrived.
        public let successShare: Double
        public let scores: [Score]
        public let brierMargin: Margin
        public let logLossMargin: Margin

        /// Whether ours has the lowest Brier score and the lowest log loss.
        public var oursWins: Bool { brierMargin.mean > 0 && logLossMargin.mean > 0 }
    }

    public let seed: UInt64
    /// Payments judged in every row.
    public let payments: Int
    /// Hidden networks they were spread over.
    public let worlds: Int
    /// By assumption, attack, and number of observations.
    public let rows: [Comparison]
    /// Over the assumptions, for each attack and number of observations; then over the attacks too.
    public let pooled: [Comparison]

    init(_ experiment: AccuracyExperiment, trials: [AccuracyExperiment.Trial]) {
        seed = experiment.seed
        payments = experiment.payments
        worlds = experiment.worlds
        rows = trials.map { trial in
            Comparison([trial], assumption: trial.assumption, attack: trial.attack, seed: experiment.seed)
        }
        var pooled: [Comparison] = []
        for attack in experiment.attacks.map(Optional.some) + [nil] {
            for count in experiment.observations {
                let part = trials.filter { $0.observations == count && (attack == nil || $0.attack == attack) }
                guard !part.isEmpty else { continue }
                pooled.append(Comparison(part, assumption: nil, attack: attack, seed: experiment.seed))
            }
        }
        self.pooled = pooled
    }
}

extension AccuracyReport.Comparison {
    init(_ trials: [AccuracyExperiment.Trial], assumption: BalanceAssumption?, attack: Attack?, seed: UInt64) {
        self.assumption = assumption
        self.attack = attack
        observations = trials[0].observations
        let forecasts = Dictionary(
            uniqueKeysWithValues: PredictorName.allCases.map { name in
                (name, trials.flatMap { $0.forecasts[name] ?? [] })
            }
        )
        let ours = forecasts[.ours] ?? []
        payments = ours.count
        successShare = Double(ours.count(where: \.happened)) / Double(max(1, ours.count))
        scores = PredictorName.allCases.map { AccuracyReport.Score($0, forecasts[$0] ?? []) }
        let name = "margin \(assumption?.rawValue ?? "all") \(attack?.rawValue ?? "all") \(observations)"
        brierMargin = Self.margin(forecasts, scores, seed, name + " brier", of: \.brier, loss: ForecastLoss.brier)
        logLossMargin = Self.margin(forecasts, scores, seed, name + " log", of: \.logLoss, loss: ForecastLoss.log)
    }

    /// The paired bootstrap of the difference between ours and the best other.
    private static func margin(
        _ forecasts: [PredictorName: [ProperScores.Forecast]],
        _ scores: [AccuracyReport.Score],
        _ seed: UInt64,
        _ purpose: String,
        of measure: (AccuracyReport.Score) -> Double,
        loss: (ProperScores.Forecast) -> Double
    ) -> AccuracyReport.Margin {
        let others = scores.filter { $0.predictor != .ours }
        guard let rival = others.min(by: { measure($0) < measure($1) }), let ours = forecasts[.ours],
            let theirs = forecasts[rival.predictor]
        else { preconditionFailure("ours competes with others") }
        let differences = zip(theirs, ours).map { loss($0) - loss($1) }
        var generator = SeededGenerator(seed: seed, purpose: purpose)
        let interval = Bootstrap.interval(ofMeanOf: differences, &generator)
        return AccuracyReport.Margin(
            rival: rival.predictor,
            mean: differences.reduce(0, +) / Double(max(1, differences.count)),
            low: interval.low,
            high: interval.high
        )
    }
}

extension AccuracyReport.Score {
    init(_ predictor: PredictorName, _ forecasts: [ProperScores.Forecast]) {
        let scores = ForecastScores(forecasts)
        self.predictor = predictor
        brier = scores.brier
        logLoss = scores.logLoss
        auc = scores.auc
        calibrationError = scores.calibrationError
        groups = scores.groups
    }
}
