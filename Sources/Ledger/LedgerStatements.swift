// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The ledger's SQL: every change of a balance and its entries is one statement.
///
/// Locks are taken in one order everywhere, which excludes deadlocks: holds before credits, each in the order of their
/// keys. A row that somebody else has changed in the meantime is read again by PostgreSQL after its lock is granted.
enum LedgerStatements {
    /// Debits credits, once per credit with the sum of its debits, and records each debit's hold.
    ///
    /// Parameters: credit and sum; hold, credit, amount and route of each debit; lifetime of the holds in milliseconds.
    /// A credit that is missing, expired or too small is missing from the answer, and its debits leave no trace.
    static let debit = Statement(
        "ledger.debit",
        """
        WITH want AS (
            SELECT * FROM unnest($1::bytea[], $2::bigint[]) AS w (payment_hash, amount)
        ), locked AS (
            SELECT c.payment_hash, w.amount FROM credits c JOIN want w ON w.payment_hash = c.payment_hash
             ORDER BY c.payment_hash FOR UPDATE OF c
        ), debited AS (
            UPDATE credits c SET spent_msat = c.spent_msat + l.amount, last_used_at = now()
              FROM locked l
             WHERE c.payment_hash = l.payment_hash AND c.spent_msat + l.amount <= c.paid_msat
               AND (c.expires_at IS NULL OR c.expires_at > now())
            RETURNING c.payment_hash, c.paid_msat, c.spent_msat
        ), granted AS (
            SELECT s.* FROM unnest($3::bytea[], $4::bytea[], $5::bigint[], $6::text[])
                            AS s (hold_id, payment_hash, amount, route)
              JOIN debited d ON d.payment_hash = s.payment_hash
        ), held AS (
            INSERT INTO holds (hold_id, payment_hash, amount_msat, route, deadline)
            SELECT hold_id, payment_hash, amount, route, now() + $7::bigint * interval '1 millisecond' FROM granted
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'hold', payment_hash, hold_id, route, amount FROM granted
        )
        SELECT payment_hash, paid_msat, spent_msat FROM debited
        """
    )

    /// Tells why credits are missing from the answer of `debit`.
    static let lookUp = Statement(
        "ledger.look_up",
        """
        SELECT payment_hash, paid_msat - spent_msat, coalesce(expires_at <= now(), false)
          FROM credits WHERE payment_hash = ANY ($1::bytea[])
        """
    )

    /// Creates a credit and debits it, or debits the one that is there already: of two racing first uses of a credit that
    /// is good for one, the second finds it spent.
    ///
    /// Parameters: the credit's columns, expiry last; amount, hold, route, lifetime of the hold in milliseconds.
    static let firstUse = Statement(
        "ledger.first_use",
        """
        WITH credited AS (
            INSERT INTO credits AS c
                   (payment_hash, token_id, service, tier, purpose, paid_msat, expires_at, spent_msat)
            SELECT $1, $2, $3, $4, $5, $6, $7::timestamptz, $8::bigint
             WHERE $7::timestamptz IS NULL OR $7::timestamptz > now()
            ON CONFLICT (payment_hash) DO UPDATE
               SET spent_msat = c.spent_msat + excluded.spent_msat, last_used_at = now()
             WHERE c.spent_msat + excluded.spent_msat <= c.paid_msat
               AND (c.expires_at IS NULL OR c.expires_at > now())
            RETURNING payment_hash, paid_msat, spent_msat, xmax = 0 AS is_new
        ), paid AS (
            INSERT INTO ledger_entries (kind, payment_hash, amount_msat)
            SELECT 'pay', payment_hash, paid_msat FROM credited WHERE is_new
        ), held AS (
            INSERT INTO holds (hold_id, payment_hash, amount_msat, route, deadline)
            SELECT $9, payment_hash, $8::bigint, $10, now() + $11::bigint * interval '1 millisecond' FROM credited
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'hold', payment_hash, $9, $10, $8::bigint FROM credited
        )
        SELECT paid_msat, spent_msat, is_new FROM credited
        """
    )

    /// Creates a credit without debiting it; does nothing when it exists.
    static let open = Statement(
        "ledger.open",
        """
        WITH credited AS (
            INSERT INTO credits (payment_hash, token_id, service, tier, purpose, paid_msat, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (payment_hash) DO NOTHING
            RETURNING payment_hash, paid_msat
        )
        INSERT INTO ledger_entries (kind, payment_hash, amount_msat)
        SELECT 'pay', payment_hash, paid_msat FROM credited
        """
    )

    /// Ends holds because they are earned.
    static let settle = Statement(
        "ledger.settle",
        """
        WITH locked AS (
            SELECT hold_id FROM holds WHERE hold_id = ANY ($1::bytea[]) ORDER BY hold_id FOR UPDATE
        ), gone AS (
            DELETE FROM holds h USING locked l WHERE h.hold_id = l.hold_id
            RETURNING h.hold_id, h.payment_hash, h.route, h.amount_msat
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'settle', payment_hash, hold_id, route, amount_msat FROM gone
        )
        SELECT hold_id, amount_msat FROM gone
        """
    )

    /// Ends holds and gives their value back.
    static let release = Statement(
        "ledger.release",
        giveBack("hold_id = ANY ($1::bytea[]) ORDER BY hold_id FOR UPDATE")
    )

    /// Ends at most so many holds that are past their deadline and gives their value back; several sweepers share the work.
    static let sweep = Statement(
        "ledger.sweep",
        giveBack("deadline <= now() ORDER BY hold_id LIMIT $1::bigint FOR UPDATE SKIP LOCKED")
    )

    private static func giveBack(_ condition: String) -> String {
        """
        WITH locked AS (
            SELECT hold_id FROM holds WHERE \(condition)
        ), gone AS (
            DELETE FROM holds h USING locked l WHERE h.hold_id = l.hold_id
            RETURNING h.hold_id, h.payment_hash, h.route, h.amount_msat
        ), back AS (
            SELECT payment_hash, sum(amount_msat)::bigint AS amount FROM gone GROUP BY payment_hash
        ), owners AS (
            SELECT c.payment_hash, b.amount FROM credits c JOIN back b ON b.payment_hash = c.payment_hash
             ORDER BY c.payment_hash FOR UPDATE OF c
        ), credited AS (
            UPDATE credits c SET spent_msat = c.spent_msat - o.amount
              FROM owners o WHERE c.payment_hash = o.payment_hash
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'release', payment_hash, hold_id, route, amount_msat FROM gone
        )
        SELECT hold_id, amount_msat FROM gone
        """
    }

    /// Tells how holds that are gone have ended.
    static let ends = Statement(
        "ledger.ends",
        """
        SELECT hold_id, kind = 'settle' FROM ledger_entries
         WHERE kind IN ('settle', 'release') AND hold_id = ANY ($1::bytea[])
        """
    )

    static let credit = Statement(
        "ledger.credit",
        """
        SELECT payment_hash, token_id, service, tier, purpose, paid_msat, spent_msat, created_at, last_used_at,
               expires_at
          FROM credits WHERE payment_hash = $1
        """
    )

    /// What was earned per route since an instant.
    static let revenue = Statement(
        "ledger.revenue",
        """
        SELECT route, sum(amount_msat)::bigint, count(*) FROM ledger_entries
         WHERE kind = 'settle' AND at >= $1 GROUP BY route ORDER BY 2 DESC, 1
        """
    )

    /// Compares balances and holds with the sums of their entries, in one snapshot.
    static let audit = Statement(
        "ledger.audit",
        """
        WITH booked AS (
            SELECT payment_hash,
                   coalesce(sum(amount_msat) FILTER (WHERE kind IN ('pay', 'deposit', 'bonus')), 0)
                   - coalesce(sum(amount_msat) FILTER (WHERE kind = 'refund'), 0) AS paid,
                   coalesce(sum(amount_msat) FILTER (WHERE kind = 'hold'), 0)
                   - coalesce(sum(amount_msat) FILTER (WHERE kind = 'release'), 0) AS spent,
                   coalesce(sum(amount_msat) FILTER (WHERE kind = 'settle'), 0) AS earned
              FROM ledger_entries WHERE kind <> 'mint' GROUP BY payment_hash
        ), held AS (
            SELECT payment_hash, sum(amount_msat) AS amount FROM holds GROUP BY payment_hash
        ), lines AS (
            SELECT payment_hash, coalesce(c.paid_msat, 0) AS paid, coalesce(c.spent_msat, 0) AS spent,
                   coalesce(h.amount, 0) AS held, coalesce(b.earned, 0) AS earned,
                   c.paid_msat IS NOT DISTINCT FROM b.paid AND c.spent_msat IS NOT DISTINCT FROM b.spent
                   AND coalesce(b.spent - b.earned, 0) = coalesce(h.amount, 0) AS is_right
              FROM credits c FULL JOIN booked b USING (payment_hash) FULL JOIN held h USING (payment_hash)
        )
        SELECT count(*), coalesce(sum(paid), 0)::bigint, coalesce(sum(spent), 0)::bigint,
               coalesce(sum(held), 0)::bigint, coalesce(sum(earned), 0)::bigint,
               count(*) FILTER (WHERE NOT is_right),
               coalesce((array_agg(payment_hash) FILTER (WHERE NOT is_right))[1:100], '{}')
          FROM lines
        """
    )
}
