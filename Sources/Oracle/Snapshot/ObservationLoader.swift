// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Evidence
internal import Postgres
internal import TrustScore

/// Reads what was observed of all nodes, or of all services.
struct ObservationLoader: Sendable {
    /// What the tables call a target.
    enum Kind: Int16 {
        case node = 1
        case endpoint = 2
    }

    struct Key: Hashable {
        let id: [UInt8]
        let stage: Stage?
    }

    private static let beliefs = Statement(
        "oracle.posteriors",
        "SELECT id, stage, source, alpha, beta, last_ts, n FROM posteriors WHERE kind = $1"
    )
    private static let priors = Statement(
        "oracle.priors",
        "SELECT id, stage, alpha, beta, level FROM target_priors WHERE kind = $1"
    )
    private static let days = Statement(
        "oracle.days",
        """
        SELECT id, stage, coalesce(sum(n) FILTER (WHERE buckets.day > today.day - 7), 0)::bigint,
            coalesce(sum(s) FILTER (WHERE buckets.day > today.day - 7), 0)::bigint, sum(n)::bigint, sum(s)::bigint
        FROM buckets, (SELECT (now() AT TIME ZONE 'UTC')::date AS day) today
        WHERE kind = $1 AND buckets.day > today.day - 30 GROUP BY id, stage
        """
    )
    private static let hours = Statement(
        "oracle.hours",
        """
        SELECT id, stage, count(*) FROM outcomes
        WHERE kind = $1 AND observed_at > extract(epoch FROM now())::bigint - 86400 GROUP BY id, stage
        """
    )
    /// The newest snapshot that is at least so old; none older than two months.
    private static let past = Statement(
        "oracle.past",
        """
        SELECT DISTINCT ON (id) id, p_success FROM score_snapshots
        WHERE kind = $1 AND computed_at <= extract(epoch FROM now())::bigint - $2
            AND computed_at > extract(epoch FROM now())::bigint - $2 - 5184000 AND n_obs > 0
        ORDER BY id, computed_at DESC
        """
    )
    private static let deadline = Duration.seconds(60)

    let client: PostgresClient
    let kind: Kind

    /// Reads everything, by target and stage.
    func load() async throws(PostgresError) -> [Key: Observations] {
        var all: [Key: Observations] = [:]
        for row in try await query(Self.beliefs) {
            guard let source = EvidenceCode.source(try row.int2(2)) else { continue }
            all[try key(row), default: .none].beliefs[source] = Posterior(
                alpha: try row.float8(3),
                beta: try row.float8(4),
                lastUpdate: try row.int8(5),
                count: Int(try row.int8(6)),
                timeConstant: source.timeConstant
            )
        }
        for row in try await query(Self.priors) {
            let distribution = BetaDistribution(alpha: try row.float8(2), beta: try row.float8(3))
            let level = PriorChain.Level(rawValue: try row.text(4)) ?? .flat
            all[try key(row), default: .none].prior = PriorChain.Prior(distribution, level: level)
        }
        for row in try await query(Self.days) {
            let (n7, s7) = (Double(try row.int8(2)), Double(try row.int8(3)))
            let (n, s) = (Double(try row.int8(4)), Double(try row.int8(5)))
            let key = try key(row)
            all[key, default: .none].recent = RiskLevel.Window(successes: s7, total: n7)
            all[key, default: .none].earlier = RiskLevel.Window(successes: s - s7, total: n - n7)
            all[key, default: .none].activity.last7d = Int(n7)
            all[key, default: .none].activity.last30d = Int(n)
        }
        for row in try await query(Self.hours) {
            all[try key(row), default: .none].activity.last24h = Int(try row.int8(2))
        }
        if kind == .node { try await loadPast(into: &all) }
        return all
    }

    private func loadPast(into all: inout [Key: Observations]) async throws(PostgresError) {
        let spans: [(Int64, WritableKeyPath<Observations, Double?>)] = [
            (86_400, \.yesterday), (7 * 86_400, \.lastWeek), (30 * 86_400, \.lastMonth),
        ]
        for (age, path) in spans {
            let rows = try await client.query(
                Self.past,
                [.int2(kind.rawValue), .int8(age)],
                deadline: Self.deadline
            )
            for row in rows {
                all[Key(id: try row.bytea(0), stage: nil), default: .none][keyPath: path] = try row.float8(1)
            }
        }
    }

    private func query(_ statement: Statement) async throws(PostgresError) -> [Row] {
        try await client.query(statement, [.int2(kind.rawValue)], deadline: Self.deadline)
    }

    private func key(_ row: Row) throws(PostgresError) -> Key {
        Key(id: try row.bytea(0), stage: EvidenceCode.stage(try row.int2(1)))
    }
}
