// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Charts

/// The charts of an ``AccuracyReport``, as SVG documents by file name.
public struct AccuracyPlots: Sendable {
    public let files: [(name: String, svg: String)]

    public init(_ report: AccuracyReport) {
        var files: [(name: String, svg: String)] = []
        for (name, measure) in [("brier", "Brier score"), ("log_loss", "log loss")] {
            for attack in Self.attacks(report) {
                let rows = report.rows.filter { $0.attack == attack }
                let title = "\(measure), attack: \(attack.rawValue) (lower is better)"
                files.append(("\(name)-\(attack.rawValue).svg", Self.bars(rows, title: title, measure: measure)))
            }
            let title = "\(measure), all assumptions and attacks (lower is better)"
            let pooled = report.pooled.filter { $0.attack == nil }
            files.append(("\(name)-pooled.svg", Self.bars(pooled, title: title, measure: measure)))
        }
        for comparison in report.pooled where comparison.attack == nil {
            for score in comparison.scores {
                let name = "calibration-\(score.predictor.rawValue)-\(comparison.observations).svg"
                let diagram = ReliabilityDiagram(
                    title: score.predictor.rawValue,
                    note: "after \(comparison.observations) observed payments",
                    points: score.groups.map(Self.point)
                )
                files.append((name, diagram.svg))
            }
        }
        self.files = files
    }

    private static func attacks(_ report: AccuracyReport) -> [Attack] {
        Attack.allCases.filter { attack in report.rows.contains { $0.attack == attack } }
    }

    private static func bars(_ rows: [AccuracyReport.Comparison], title: String, measure: String) -> String {
        GroupedBars(
            title: title,
            measure: measure,
            series: PredictorName.allCases.map(\.rawValue),
            groups: rows.map { row in
                GroupedBars.Group(
                    name: "\(row.assumption?.rawValue ?? "pooled")\n\(row.observations) seen",
                    values: row.scores.map { measure == "log loss" ? $0.logLoss : $0.brier }
                )
            }
        ).svg
    }

    private static func point(_ group: ReliabilityGroup) -> ReliabilityDiagram.Point {
        ReliabilityDiagram.Point(
            predicted: group.forecast,
            observed: group.frequency,
            low: group.low,
            high: group.high,
            count: group.count
        )
    }
}
