// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Evidence
public import TrustScore

/// How what the oracle published fared (`/api/oracle/calibration`).
public struct CalibrationAnswer: Encodable, Sendable {
    /// Forecasts that belong together, by name.
    public struct Group: Encodable, Sendable {
        /// Such as `endpoint/payment/paid`.
        public let name: String
        public let figures: CalibrationFigures
    }

    /// `ok`, or `no_outcomes` while there is nothing to judge.
    public let status: String
    /// Unix seconds; the end is not part of the window.
    @OrNull public var window_start: Int64?
    @OrNull public var window_end: Int64?
    public let n_outcomes: Int
    public let n_targets: Int
    @OrNull public var overall: CalibrationFigures?
    public let groups: [Group]
    /// SatRank's figures of the same outcomes.
    @OrNull public var compat: CalibrationReport.Compatible?
    /// A line per week, newest first.
    public let history: [CalibrationStore.Summary]
    /// Whether the newest outcomes only were looked at.
    public let is_truncated: Bool
    /// How to read the figures.
    public let reading: String
    /// Where the reliability diagram is.
    public let diagram = "/api/oracle/calibration.svg"

    init(_ board: CalibrationBoard) {
        let report = board.latest
        status = report == nil ? "no_outcomes" : "ok"
        n_outcomes = report?.n_outcomes ?? 0
        n_targets = report?.n_targets ?? 0
        groups = (report?.groups ?? []).map { Group(name: $0.name, figures: $0.figures) }
        history = board.history
        is_truncated = report?.is_truncated ?? false
        reading =
            report.map(Self.sentence)
            ?? "No outcome was observed within seven days, so there is nothing to judge yet."
        window_start = report?.window_start
        window_end = report?.window_end
        overall = report?.overall
        compat = report?.compat
    }

    private static func sentence(_ report: CalibrationReport) -> String {
        let (error, floor) = (report.overall.ece.value, report.overall.noise_floor)
        let judgement =
            error <= floor.p95
            ? "no larger than chance alone makes it in 19 of 20 weeks"
            : "larger than chance alone makes it in 19 of 20 weeks"
        return """
            Every probability was stored before its outcome was known. The calibration error of \(rounded(error)) is             \(judgement) (a perfect oracle would show \(rounded(floor.mean)) on the same outcomes, at most             \(rounded(floor.p95)) in 95 % of weeks). Intervals are 95 % bootstrap intervals over targets.
            """
    }
}

/// The newest calibration and its history.
public struct CalibrationBoard: Sendable {
    let latest: CalibrationReport?
    let history: [CalibrationStore.Summary]

    static let empty = CalibrationBoard(latest: nil, history: [])

    /// What the API says.
    public var answer: CalibrationAnswer { CalibrationAnswer(self) }

    /// The names of the groups, `overall` first.
    public var groups: [String] { ["overall"] + (latest?.groups.map(\.name) ?? []) }

    /// The figures of a group; `nil` for a name that is not in the report.
    public func figures(of group: String) -> CalibrationFigures? {
        group == "overall" ? latest?.overall : latest?.groups.first { $0.name == group }?.figures
    }
}
