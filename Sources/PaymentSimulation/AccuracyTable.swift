// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// An ``AccuracyReport`` for people: a table and a closing sentence.
public struct AccuracyTable: Sendable {
    private let report: AccuracyReport

    public init(_ report: AccuracyReport) { self.report = report }

    /// Brier score and log loss of every method, and who is best; the pooled lines last.
    public var rows: [[String]] {
        let names = PredictorName.allCases.map(\.rawValue)
        let header =
            ["assumption", "attack", "seen", "arrived"] + names + ["best (Brier, log loss)", "ours: AUC", "ECE"]
        return [header] + (report.rows + report.pooled).map(line)
    }

    private func line(_ row: AccuracyReport.Comparison) -> [String] {
        let best = [\AccuracyReport.Score.brier, \.logLoss].map { measure in
            row.scores.min { $0[keyPath: measure] < $1[keyPath: measure] }?.predictor.rawValue ?? ""
        }
        let ours = row.scores.first { $0.predictor == .ours }
        return [row.assumption?.rawValue ?? "all", row.attack?.rawValue ?? "all", "\(row.observations)"]
            + [decimals(row.successShare, 3)]
            + row.scores.map { "\(decimals($0.brier, 4)) \(decimals($0.logLoss, 4))" }
            + [best[0] == best[1] ? best[0] : best.joined(separator: ", ")]
            + [ours?.auc.map { decimals($0, 3) } ?? "-", decimals(ours?.calibrationError ?? 0, 3)]
    }

    /// Who wins where, in one or two sentences.
    public var verdict: String {
        let blind = report.pooled.filter { $0.observations == 0 }
        let seeing = report.rows.filter { $0.observations >= 1000 }
        var parts: [String] = []
        if !blind.isEmpty {
            let won = blind.count(where: \.oursWins)
            parts.append("Without observations ours is best in \(won) of \(blind.count) poolings over the assumptions.")
        }
        if !seeing.isEmpty {
            let won = seeing.count(where: \.oursWins)
            let clear = seeing.count { $0.brierMargin.low > 0 && $0.logLossMargin.low > 0 }
            parts.append(
                "From 1000 observed payments on ours has the lowest Brier score and log loss in \(won) of \(seeing.count)"
                    + " rows, in \(clear) of them beyond the 95 % interval."
            )
            let lost = seeing.filter { !$0.oursWins }.map {
                "\($0.assumption?.rawValue ?? "")/\($0.attack?.rawValue ?? "")/\($0.observations)"
            }
            if !lost.isEmpty { parts.append("Not in \(lost.joined(separator: ", ")).") }
        }
        return parts.isEmpty ? "Nothing was compared." : parts.joined(separator: " ")
    }

    private func decimals(_ value: Double, _ places: Int) -> String {
        var scale = 1.0
        for _ in 0..<places { scale *= 10 }
        let digits = String(Int((value * scale).rounded()))
        let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
        return "\(padded.dropLast(places)).\(padded.suffix(places))"
    }
}
