// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// An ``AccuracyReport`` as it is written to JSON: one flat row per method.
///
/// Numbers are rounded to six decimals and there are no times in it, so equal runs give equal bytes.
public struct AccuracyDocument: Sendable, Encodable {
    /// One method under one assumption and attack.
    struct Row: Sendable, Encodable {
        /// Absent where assumptions or attacks are pooled.
        let assumption: String?
        let attack: String?
        let observations: Int
        let predictor: String
        let brier: Double
        let logLoss: Double
        /// Absent when all payments had the same outcome.
        let auc: Double?
        let ece: Double
        let n: Int
        let successShare: Double
        /// Of `ours` only: by how much it is better than the best other, with a 95 % bootstrap interval.
        var brierRival: String?
        var brierMargin: Double?
        var brierMarginLow: Double?
        var brierMarginHigh: Double?
        var logLossRival: String?
        var logLossMargin: Double?
        var logLossMarginLow: Double?
        var logLossMarginHigh: Double?

        enum CodingKeys: String, CodingKey {
            case assumption, attack, observations, predictor, brier
            case logLoss = "log_loss"
            case auc, ece, n
            case successShare = "success_share"
            case brierRival = "brier_rival"
            case brierMargin = "brier_margin"
            case brierMarginLow = "brier_margin_low"
            case brierMarginHigh = "brier_margin_high"
            case logLossRival = "log_loss_rival"
            case logLossMargin = "log_loss_margin"
            case logLossMarginLow = "log_loss_margin_low"
            case logLossMarginHigh = "log_loss_margin_high"
        }
    }

    let seed: UInt64
    let graph: String
    let payments: Int
    let worlds: Int
    let rows: [Row]
    let pooled: [Row]

    /// - Parameter graph: the name of the snapshot.
    public init(_ report: AccuracyReport, graph: String) {
        seed = report.seed
        self.graph = graph
        payments = report.payments
        worlds = report.worlds
        rows = report.rows.flatMap(Self.rows)
        pooled = report.pooled.flatMap(Self.rows)
    }

    private static func rows(_ comparison: AccuracyReport.Comparison) -> [Row] {
        comparison.scores.map { score in
            var row = Row(
                assumption: comparison.assumption?.rawValue,
                attack: comparison.attack?.rawValue,
                observations: comparison.observations,
                predictor: score.predictor.rawValue,
                brier: rounded(score.brier),
                logLoss: rounded(score.logLoss),
                auc: score.auc.map(rounded),
                ece: rounded(score.calibrationError),
                n: comparison.payments,
                successShare: rounded(comparison.successShare)
            )
            guard score.predictor == .ours else { return row }
            row.brierRival = comparison.brierMargin.rival.rawValue
            row.brierMargin = rounded(comparison.brierMargin.mean)
            row.brierMarginLow = rounded(comparison.brierMargin.low)
            row.brierMarginHigh = rounded(comparison.brierMargin.high)
            row.logLossRival = comparison.logLossMargin.rival.rawValue
            row.logLossMargin = rounded(comparison.logLossMargin.mean)
            row.logLossMarginLow = rounded(comparison.logLossMargin.low)
            row.logLossMarginHigh = rounded(comparison.logLossMargin.high)
            return row
        }
    }

    private static func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
}
