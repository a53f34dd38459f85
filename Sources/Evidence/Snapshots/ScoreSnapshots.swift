// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres
internal import TrustScore

/// Keeps what was published of targets, where it moved: what trends are read from.
public struct ScoreSnapshots: Sendable {
    /// A step of the success probability, or of the score, that is worth a row.
    static let probabilityStep = 0.005
    static let scoreStep = 0.5

    /// Targets with outcomes of their own, and all scored nodes.
    ///
    /// The probability of a service is the product over its stages; a node has one.
    private static let take = Statement(
        "evidence.snapshots",
        """
        WITH belief AS (
            SELECT p.kind, p.id, p.stage, coalesce(min(t.alpha), 1.5) + sum((p.alpha - 1.5) * f.left) AS alpha,
                coalesce(min(t.beta), 1.5) + sum((p.beta - 1.5) * f.left) AS beta,
                sum((p.alpha + p.beta - 3) * f.left) AS n
            FROM posteriors p
            LEFT JOIN target_priors t ON t.kind = p.kind AND t.id = p.id AND t.stage = p.stage, LATERAL (
                SELECT exp(-least(10, greatest(0, $1 - p.last_ts) / CASE p.source WHEN 1 THEN $2 ELSE $3 END)) AS left
            ) f
            WHERE p.source IN (1, 2, 3) GROUP BY p.kind, p.id, p.stage
        ), seen AS (
            SELECT kind, id, exp(sum(ln(alpha / (alpha + beta)))) AS p, sum(n) AS n FROM belief GROUP BY kind, id
        ), current AS (
            SELECT coalesce(s.kind, 1) AS kind, coalesce(s.id, o.hash) AS id, o.score,
                coalesce(s.p, t.alpha / (t.alpha + t.beta), 0.5) AS p, coalesce(s.n, 0) AS n
            FROM seen s FULL JOIN node_scores o ON s.kind = 1 AND o.hash = s.id
            LEFT JOIN target_priors t ON t.kind = 1 AND t.id = o.hash AND t.stage = 0
        )
        INSERT INTO score_snapshots (computed_at, kind, id, score, p_success, n_obs)
        SELECT $1, c.kind, c.id, c.score, c.p, c.n
        FROM current c LEFT JOIN LATERAL (
            SELECT l.p_success, l.score FROM score_snapshots l
            WHERE l.kind = c.kind AND l.id = c.id ORDER BY l.computed_at DESC LIMIT 1
        ) last ON true
        WHERE last.p_success IS NULL OR abs(last.p_success - c.p) >= $4
            OR abs(coalesce(last.score, 0) - coalesce(c.score, 0)) >= $5
        """
    )
    /// Of days older than a week the last row of a target stays.
    private static let rollUp = Statement(
        "evidence.roll_up",
        """
        DELETE FROM score_snapshots s USING (
            SELECT tableoid AS part, ctid AS place,
                row_number() OVER (PARTITION BY kind, id, computed_at / 86400 ORDER BY computed_at DESC) AS number
            FROM score_snapshots WHERE computed_at >= $1 AND computed_at < $2
        ) d WHERE d.number > 1 AND s.tableoid = d.part AND s.ctid = d.place
        """
    )

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Writes a row for every target that moved since its last one.
    ///
    /// - Returns: rows written.
    public func take(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        try await client.execute(
            Self.take,
            [
                .int8(now), .float8(EvidenceSource.probe.timeConstant), .float8(EvidenceSource.paid.timeConstant),
                .float8(Self.probabilityStep), .float8(Self.scoreStep),
            ],
            deadline: .seconds(60)
        )
    }

    /// Leaves one row per day of what is older than a week.
    ///
    /// - Returns: rows deleted.
    public func rollUp(now: Int64 = unixTime()) async throws(PostgresError) -> Int {
        let week = (now / 86_400 - 7) * 86_400
        // What is older was rolled up before; a month of absence is caught up with.
        return try await client.execute(
            Self.rollUp,
            [.int8(week - 31 * 86_400), .int8(week)],
            deadline: .seconds(60)
        )
    }
}
