// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One figure beside its baseline.
struct Figure: Codable, Sendable {
    let name: String
    let unit: String
    let ours: Double
    /// What it stands beside, and its value; `nil` where there is nothing to compare with.
    var baselineName: String?
    var baseline: Double?
    /// The most it should be.
    var target: Double?

    var isMet: Bool? { target.map { ours <= $0 } }
    var ratio: Double? { baseline.map { ours / $0 } }
}

/// All figures of a run.
struct Report {
    private(set) var figures: [Figure] = []

    mutating func add(_ more: [Figure]) { figures += more }

    var isGood: Bool { figures.allSatisfy { $0.isMet ?? true } }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try encoder.encode(figures), as: UTF8.self)
    }

    func table() -> String {
        let rows =
            [["figure", "unit", "baseline", "ours", "ratio", "target", ""]]
            + figures.map { figure in
                [
                    figure.name, figure.unit, figure.baseline.map(Self.text) ?? "", Self.text(figure.ours),
                    figure.ratio.map(Self.text) ?? "", figure.target.map { "<= \(Self.text($0))" } ?? "",
                    figure.isMet.map { $0 ? "met" : "MISSED" } ?? "",
                ]
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            zip(row, widths).enumerated().map { index, cell in
                let padding = String(repeating: " ", count: cell.1 - cell.0.count)
                return index < 2 ? cell.0 + padding : padding + cell.0
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    private static func text(_ value: Double) -> String {
        switch value {
        case 1000...: String(Int(value.rounded()))
        case 10...: String((value * 10).rounded() / 10)
        default: String((value * 100).rounded() / 100)
        }
    }
}
