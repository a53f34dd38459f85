// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The SQL of evidence.
enum EvidenceStatements {
    /// Records a batch of outcomes.
    ///
    /// What was predicted is read before anything is folded in: all parts of a statement see the database as it was when the
    /// statement began. Rows are written in the order of their keys, so that two writers never wait for each other.
    static let record = Statement(
        "evidence.record",
        """
        WITH o AS (
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
                AS o (kind, id, source, stage, success, weight, label, observed_at)
        ), logged AS (
            INSERT INTO outcomes (observed_at, kind, id, source, stage, success, weight, label, predicted)
            SELECT o.observed_at, o.kind, o.id, o.source, o.stage, o.success, o.weight, o.label,
                least(1 - 1e-9, greatest(1e-9, (coalesce(t.alpha, 1.5) + coalesce(e.alpha, 0))
                    / (coalesce(t.alpha + t.beta, 3) + coalesce(e.alpha + e.beta, 0))))
            FROM o
            LEFT JOIN target_priors t ON t.kind = o.kind AND t.id = o.id AND t.stage = o.stage
            LEFT JOIN LATERAL (
                SELECT sum((p.alpha - 1.5) * f.left) AS alpha, sum((p.beta - 1.5) * f.left) AS beta
                FROM posteriors p, LATERAL (
                    SELECT exp(-least(10, greatest(0, o.observed_at - p.last_ts)
                        / CASE p.source WHEN 1 THEN $9 ELSE $10 END)) AS left
                ) f
                WHERE p.kind = o.kind AND p.id = o.id AND p.stage = o.stage AND p.source IN (1, 2, 3)
            ) e ON true
        ), counted AS (
            INSERT INTO buckets AS b (kind, id, source, stage, day, n, s)
            SELECT kind, id, source, stage, (to_timestamp(observed_at) AT TIME ZONE 'UTC')::date AS day, count(*),
                count(*) FILTER (WHERE success)
            FROM o GROUP BY 1, 2, 3, 4, 5 ORDER BY 5, 1, 2, 3, 4
            ON CONFLICT (day, kind, id, source, stage) DO UPDATE SET n = b.n + excluded.n, s = b.s + excluded.s
        )
        INSERT INTO posteriors AS p (kind, id, source, stage, alpha, beta, last_ts, n, settled_alpha, settled_beta,
            bucket, bucket_n, bucket_weight, bucket_success)
        SELECT kind, id, source, stage, 1.5 + g.success / (1 + (g.n - 1) * $11),
            1.5 + (g.weight - g.success) / (1 + (g.n - 1) * $11), g.time, g.n, 1.5, 1.5, g.bucket, g.n, g.weight,
            g.success
        FROM (
            SELECT kind, id, source, stage, observed_at / $12 AS bucket, count(*)::integer AS n, sum(weight) AS weight,
                sum(CASE WHEN success THEN weight ELSE 0 END) AS success, max(observed_at) AS time
            FROM o GROUP BY 1, 2, 3, 4, 5
        ) g
        ORDER BY kind, id, source, stage
        ON CONFLICT (kind, id, source, stage) DO UPDATE SET (settled_alpha, settled_beta, bucket, bucket_n, bucket_weight,
            bucket_success, alpha, beta, last_ts, n) = (
            SELECT c.a, c.b, c.bucket, c.n, c.weight, c.success,
                greatest(1.5, c.a + c.success / (1 + (c.n - 1) * $11)),
                greatest(1.5, c.b + (c.weight - c.success) / (1 + (c.n - 1) * $11)),
                greatest(p.last_ts, excluded.last_ts), p.n + excluded.n
            FROM (
                SELECT exp(-least(10, abs(excluded.last_ts - p.last_ts)
                    / CASE p.source WHEN 1 THEN $9 ELSE $10 END)) AS fade
            ) f, LATERAL (
                -- Later six hours: the open ones are settled and fade.
                SELECT 1.5 + (p.alpha - 1.5) * f.fade AS a, 1.5 + (p.beta - 1.5) * f.fade AS b, excluded.bucket,
                    excluded.bucket_n AS n, excluded.bucket_weight AS weight, excluded.bucket_success AS success
                WHERE excluded.bucket > p.bucket
                UNION ALL
                -- The same six hours: their outcomes are weighed together, again.
                SELECT 1.5 + (p.settled_alpha - 1.5) * CASE WHEN excluded.last_ts > p.last_ts THEN f.fade ELSE 1 END,
                    1.5 + (p.settled_beta - 1.5) * CASE WHEN excluded.last_ts > p.last_ts THEN f.fade ELSE 1 END,
                    p.bucket, p.bucket_n + excluded.bucket_n, p.bucket_weight + excluded.bucket_weight,
                    p.bucket_success + excluded.bucket_success
                WHERE excluded.bucket = p.bucket
                UNION ALL
                -- Earlier ones, late: with the weight they would have by now.
                SELECT p.settled_alpha + (excluded.alpha - 1.5) * f.fade,
                    p.settled_beta + (excluded.beta - 1.5) * f.fade,
                    p.bucket, p.bucket_n, p.bucket_weight, p.bucket_success
                WHERE excluded.bucket < p.bucket
            ) c
        )
        """
    )
}
