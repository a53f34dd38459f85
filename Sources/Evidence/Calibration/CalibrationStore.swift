// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import Postgres
internal import TrustScore

/// The table `calibration_runs`.
public struct CalibrationStore: Sendable {
    /// One line of the history.
    public struct Summary: Sendable, Codable {
        public let window_start: Int64
        public let window_end: Int64
        public let n_outcomes: Int
        public let n_targets: Int
        public let brier: Double
        public let log_loss: Double
        public let ece: Double
        public let noise_floor: Double
    }

    /// Of a UTC day the last report stays.
    private static let insert = Statement(
        "calibration.insert",
        """
        WITH replaced AS (
            DELETE FROM calibration_runs WHERE window_end / 86400 = $2 / 86400 AND window_end <= $2
        )
        INSERT INTO calibration_runs
            (window_start, window_end, n_outcomes, n_targets, delta_mean, delta_median, delta_p95, report)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """
    )
    private static let latest = Statement(
        "calibration.latest",
        "SELECT report::text FROM calibration_runs ORDER BY window_end DESC LIMIT 1"
    )
    /// One report a week, counted back from the newest.
    private static let history = Statement(
        "calibration.history",
        """
        SELECT DISTINCT ON (((SELECT max(window_end) FROM calibration_runs) - window_end) / 604800)
            window_start, window_end, n_outcomes, n_targets, (report->'overall'->'brier'->>'value')::float8,
            (report->'overall'->'log_loss'->>'value')::float8, (report->'overall'->'ece'->>'value')::float8,
            (report->'overall'->'noise_floor'->>'mean')::float8
        FROM calibration_runs
        ORDER BY ((SELECT max(window_end) FROM calibration_runs) - window_end) / 604800, window_end DESC LIMIT 52
        """
    )
    private static let drop = Statement(
        "calibration.drop",
        "DELETE FROM calibration_runs WHERE window_end < $1 - 400 * 86400"
    )

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    func write(_ report: CalibrationReport) async throws {
        let compat = report.compat
        try await client.execute(
            Self.insert,
            [
                .int8(report.window_start), .int8(report.window_end), .int8(Int64(report.n_outcomes)),
                .int8(Int64(report.n_targets)), compat.map { .float8($0.delta_mean) } ?? .null,
                compat.map { .float8($0.delta_median) } ?? .null, compat.map { .float8($0.delta_p95) } ?? .null,
                .jsonb(String(decoding: try JSONEncoder().encode(report), as: UTF8.self)),
            ]
        )
    }

    /// The newest report, or `nil` when there is none yet.
    public func latest() async throws -> CalibrationReport? {
        guard let row = try await client.query(Self.latest).first else { return nil }
        return try JSONDecoder().decode(CalibrationReport.self, from: Data(row.text(0).utf8))
    }

    /// The figures of up to a year, one line a week, newest first.
    public func history() async throws(PostgresError) -> [Summary] {
        var lines: [Summary] = []
        for row in try await client.query(Self.history) {
            lines.append(
                Summary(
                    window_start: try row.int8(0),
                    window_end: try row.int8(1),
                    n_outcomes: Int(try row.int8(2)),
                    n_targets: Int(try row.int8(3)),
                    brier: try row.float8(4),
                    log_loss: try row.float8(5),
                    ece: try row.float8(6),
                    noise_floor: try row.float8(7)
                )
            )
        }
        return lines
    }

    /// Deletes reports older than 13 months.
    public func dropOld(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        try await client.execute(Self.drop, [.int8(now)])
    }
}
