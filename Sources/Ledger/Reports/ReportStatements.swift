// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The SQL of statements about the ledger as a whole.
enum ReportStatements {
    /// What was earned per route in a span of time; what was given back afterwards counts against its day.
    static let revenue = Statement(
        "ledger.revenue",
        """
        SELECT route, sum(CASE kind WHEN 'settle' THEN amount_msat ELSE -amount_msat END)::bigint,
               count(*) FILTER (WHERE kind = 'settle')
          FROM ledger_entries
         WHERE kind IN ('settle', 'refund') AND at >= $1 AND at < $2
         GROUP BY route ORDER BY 2 DESC, 1
        """
    )

    /// The same per UTC day, the latest first.
    static let dailyRevenue = Statement(
        "ledger.daily_revenue",
        """
        SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), route,
               sum(CASE kind WHEN 'settle' THEN amount_msat ELSE -amount_msat END)::bigint,
               count(*) FILTER (WHERE kind = 'settle')
          FROM ledger_entries
         WHERE kind IN ('settle', 'refund') AND at >= $1 AND at < $2
         GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2
        """
    )

    /// The same per service, tier and purpose of the credits that paid.
    static let productRevenue = Statement(
        "ledger.product_revenue",
        """
        SELECT c.service, c.tier, c.purpose,
               sum(CASE e.kind WHEN 'settle' THEN e.amount_msat ELSE -e.amount_msat END)::bigint,
               count(*) FILTER (WHERE e.kind = 'settle'), count(DISTINCT e.payment_hash)
          FROM ledger_entries e JOIN credits c USING (payment_hash)
         WHERE e.kind IN ('settle', 'refund') AND e.at >= $1 AND e.at < $2
         GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
        """
    )

    /// A page of credits, the newest first, that were made before a place in that order.
    static let credits = Statement(
        "ledger.credits",
        """
        SELECT \(LedgerStatements.creditColumns) FROM credits
         WHERE ($1::timestamptz IS NULL OR (created_at, payment_hash) < ($1, $2))
           AND ($3::text IS NULL OR service = $3)
         ORDER BY created_at DESC, payment_hash DESC LIMIT $4
        """
    )

    /// The entries of a credit, the oldest first.
    static let entries = Statement(
        "ledger.entries",
        """
        SELECT entry_id, at, kind, route, amount_msat, reference FROM ledger_entries
         WHERE payment_hash = $1 ORDER BY entry_id LIMIT $2
        """
    )

    /// Compares balances and holds with the sums of their entries, in one snapshot.
    static let audit = Statement(
        "ledger.audit",
        """
        WITH booked AS (
            SELECT payment_hash,
                   coalesce(sum(amount_msat) FILTER (WHERE kind IN ('mint', 'pay', 'deposit', 'bonus', 'carry_in')), 0)
                   - coalesce(sum(amount_msat) FILTER (WHERE kind = 'carry_out'), 0) AS paid,
                   coalesce(sum(amount_msat) FILTER (WHERE kind = 'hold'), 0)
                   - coalesce(sum(amount_msat) FILTER (WHERE kind IN ('release', 'refund')), 0) AS spent,
                   coalesce(sum(amount_msat) FILTER (WHERE kind = 'settle'), 0)
                   - coalesce(sum(amount_msat) FILTER (WHERE kind = 'refund'), 0) AS earned
              FROM ledger_entries GROUP BY payment_hash
        ), held AS (
            SELECT payment_hash, sum(amount_msat) AS amount FROM holds GROUP BY payment_hash
        ), lines AS (
            SELECT payment_hash, coalesce(c.paid_msat, 0) AS paid, coalesce(c.spent_msat, 0) AS spent,
                   coalesce(h.amount, 0) AS held, coalesce(b.earned, 0) AS earned,
                   c.paid_msat IS NOT DISTINCT FROM b.paid AND c.spent_msat IS NOT DISTINCT FROM b.spent
                   AND coalesce(b.spent - b.earned, 0) = coalesce(h.amount, 0) AS is_right
              FROM credits c FULL JOIN booked b USING (payment_hash) FULL JOIN held h USING (payment_hash)
        ), carried AS (
            SELECT coalesce(sum(amount_msat) FILTER (WHERE kind = 'carry_in'), 0)
                   = coalesce(sum(amount_msat) FILTER (WHERE kind = 'carry_out'), 0) AS is_right
              FROM ledger_entries WHERE kind IN ('carry_in', 'carry_out')
        )
        SELECT count(*), coalesce(sum(paid), 0)::bigint, coalesce(sum(spent), 0)::bigint,
               coalesce(sum(held), 0)::bigint, coalesce(sum(earned), 0)::bigint,
               count(*) FILTER (WHERE NOT is_right) + (SELECT count(*) FROM carried WHERE NOT is_right),
               coalesce((array_agg(payment_hash) FILTER (WHERE NOT is_right))[1:100], '{}')
          FROM lines
        """
    )
}
