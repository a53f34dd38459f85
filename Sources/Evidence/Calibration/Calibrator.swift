// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Metrics
public import Postgres
internal import TrustScore

/// Compares what was foretold with what happened, over the last seven days.
public struct Calibrator: Sendable {
    /// Length of the window in seconds.
    public static let window: Int64 = 7 * 86_400
    /// Outcomes looked at.
    public static let outcomeLimit = 500_000

    private static let outcomes = Statement(
        "calibration.outcomes",
        """
        SELECT kind, id, source, stage, success, predicted FROM outcomes
        WHERE observed_at >= $1 AND observed_at < $2 AND kind IN (1, 2) ORDER BY observed_at DESC LIMIT $3
        """
    )
    private static let paths = Statement(
        "calibration.paths",
        """
        SELECT id, failed_hop IS NULL, predicted FROM path_outcomes
        WHERE observed_at >= $1 AND observed_at < $2 AND predicted IS NOT NULL ORDER BY observed_at DESC LIMIT $3
        """
    )
    private static let compatible = Statement(
        "calibration.compatible",
        """
        SELECT w.id, w.stage, w.n, w.total, w.success, coalesce(h.total, 0), coalesce(h.success, 0), h.time
        FROM (
            SELECT id, stage, count(*) AS n, sum(weight) AS total,
                sum(CASE WHEN success THEN weight ELSE 0 END) AS success
            FROM outcomes WHERE kind = 2 AND observed_at >= $1 AND observed_at < $2
            GROUP BY id, stage HAVING count(*) >= $3
        ) w LEFT JOIN LATERAL (
            SELECT sum(weight) AS total, sum(CASE WHEN success THEN weight ELSE 0 END) AS success,
                avg(observed_at)::float8 AS time
            FROM outcomes o WHERE o.kind = 2 AND o.id = w.id AND o.stage = w.stage AND o.observed_at < $1
        ) h ON true
        """
    )
    private static let deadline = Duration.seconds(120)

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Judges the seven days before a time, stores the report and sets the gauges.
    ///
    /// Of one UTC day the last report stays.
    /// - Returns: `nil` when nothing was observed.
    @discardableResult
    public func run(now: Int64 = unixTime()) async throws -> CalibrationReport? {
        guard let report = try await report(now: now) else { return nil }
        try await CalibrationStore(client).write(report)
        Self.publish(report)
        return report
    }

    /// Judges the seven days before a time.
    func report(now: Int64) async throws -> CalibrationReport? {
        let start = now - Self.window
        let window: [PostgresValue] = [.int8(start), .int8(now), .int8(Int64(Self.outcomeLimit))]
        var collection = Collection()
        let outcomes = try await client.query(Self.outcomes, window, deadline: Self.deadline)
        for row in outcomes {
            try collection.add(
                kind: row.int2(0),
                id: row.bytea(1),
                source: EvidenceCode.source(row.int2(2)),
                stage: EvidenceCode.stage(row.int2(3)),
                .init(probability: row.float8(5), happened: row.bool(4))
            )
        }
        for row in try await client.query(Self.paths, window, deadline: Self.deadline) {
            try collection.addPath(row.int8(0), .init(probability: row.float8(2), happened: row.bool(1)))
        }
        guard let overall = CalibrationFigures(collection.all) else { return nil }
        return CalibrationReport(
            window_start: start,
            window_end: now,
            n_outcomes: overall.n,
            n_targets: overall.targets,
            is_truncated: outcomes.count == Self.outcomeLimit,
            overall: overall,
            groups: collection.groups,
            compat: try await compatible(start: start, end: now)
        )
    }

    private func compatible(start: Int64, end: Int64) async throws -> CalibrationReport.Compatible? {
        let parameters: [PostgresValue] = [.int8(start), .int8(end), .int8(Int64(CompatibleCalibration.minimum))]
        var groups: [CompatibleCalibration.Group] = []
        var deltas: [CalibrationReport.Delta] = []
        for row in try await client.query(Self.compatible, parameters, deadline: Self.deadline) {
            guard let stage = EvidenceCode.stage(try row.int2(1)) else { continue }
            let group = CompatibleCalibration.Group(
                count: Int(try row.int8(2)),
                total: try row.float8(3),
                success: try row.float8(4),
                historyTotal: try row.float8(5),
                historySuccess: try row.float8(6),
                historyMeanTime: try row.optionalFloat8(7)
            )
            let (predicted, observed) = (group.predicted(at: start), group.observed)
            groups.append(group)
            deltas.append(
                CalibrationReport.Delta(
                    endpoint_url_hash: Hex.encode(try row.bytea(0)),
                    stage: stage,
                    predicted: predicted,
                    observed: observed,
                    delta: abs(predicted - observed),
                    n_outcomes: group.count
                )
            )
        }
        guard let figures = CompatibleCalibration(groups, windowStart: start) else { return nil }
        deltas.sort { ($0.delta, $1.endpoint_url_hash) > ($1.delta, $0.endpoint_url_hash) }
        return CalibrationReport.Compatible(
            delta_mean: figures.delta_mean,
            delta_median: figures.delta_median,
            delta_p95: figures.delta_p95,
            n_endpoints: Set(deltas.map(\.endpoint_url_hash)).count,
            n_outcomes: groups.reduce(0) { $0 + $1.count },
            top_deltas: Array(deltas.prefix(20))
        )
    }

    /// Sets the gauges that the alert looks at.
    static func publish(_ report: CalibrationReport) {
        let all = [("overall", report.overall)] + report.groups.map { ($0.name, $0.figures) }
        for (name, figures) in all {
            let labels = [("group", name)]
            Gauge(label: "calibration_brier", dimensions: labels).record(figures.brier.value)
            Gauge(label: "calibration_log_loss", dimensions: labels).record(figures.log_loss.value)
            Gauge(label: "calibration_ece", dimensions: labels).record(figures.ece.value)
            Gauge(label: "calibration_noise_floor", dimensions: labels).record(figures.noise_floor.mean)
        }
    }
}

/// Forecasts by group.
private struct Collection {
    private struct Key: Hashable {
        let subject: CalibrationReport.Subject
        let stage: Stage?
        let source: EvidenceSource?
    }

    private var cases: [Key: [CalibrationFigures.Case]] = [:]
    private(set) var all: [CalibrationFigures.Case] = []
    private var targets: [[UInt8]: Int] = [:]

    mutating func add(
        kind: Int16,
        id: [UInt8],
        source: EvidenceSource?,
        stage: Stage?,
        _ forecast: ProperScores.Forecast
    ) {
        let target = targets[id] ?? targets.count
        targets[id] = target
        let key = Key(subject: kind == 1 ? .node : .endpoint, stage: stage, source: source)
        append(.init(target: target, forecast: forecast), key)
    }

    /// Every path stands for itself; the numbers below zero are theirs.
    mutating func addPath(_ id: Int64, _ forecast: ProperScores.Forecast) {
        append(.init(target: -1 - Int(id), forecast: forecast), Key(subject: .path, stage: nil, source: nil))
    }

    private mutating func append(_ item: CalibrationFigures.Case, _ key: Key) {
        cases[key, default: []].append(item)
        all.append(item)
    }

    var groups: [CalibrationReport.Group] {
        cases.compactMap { key, cases in
            CalibrationFigures(cases).map {
                CalibrationReport.Group(subject: key.subject, stage: key.stage, source: key.source, figures: $0)
            }
        }.sorted { $0.name < $1.name }
    }
}
