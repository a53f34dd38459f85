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
               AND (c.expires_at IS NULL OR c.expires_at > now()) AND c.closed_at IS NULL
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
        SELECT payment_hash, paid_msat - spent_msat, coalesce(expires_at <= now(), false), closed_at IS NOT NULL
          FROM credits WHERE payment_hash = ANY ($1::bytea[])
        """
    )

    /// Creates a credit and debits it, or debits the one that is there already: of two racing first uses of a credit that
    /// is good for one, the second finds it spent.
    ///
    /// Parameters: the credit's columns, rate last; amount, hold, route, lifetime of the hold in milliseconds.
    static let firstUse = Statement(
        "ledger.first_use",
        """
        WITH credited AS (
            INSERT INTO credits AS c
                   (payment_hash, token_id, service, tier, purpose, paid_msat, expires_at, rate_ppm, spent_msat)
            SELECT $1, $2, $3, $4, $5, $6, $7::timestamptz, $8::integer, $9::bigint
             WHERE $7::timestamptz IS NULL OR $7::timestamptz > now()
            ON CONFLICT (payment_hash) DO UPDATE
               SET spent_msat = c.spent_msat + excluded.spent_msat, last_used_at = now()
             WHERE c.spent_msat + excluded.spent_msat <= c.paid_msat
               AND (c.expires_at IS NULL OR c.expires_at > now()) AND c.closed_at IS NULL
            RETURNING payment_hash, purpose, paid_msat, spent_msat, xmax = 0 AS is_new
        ), paid AS (
            INSERT INTO ledger_entries (kind, payment_hash, amount_msat)
            SELECT \(arrival), payment_hash, paid_msat FROM credited WHERE is_new
        ), held AS (
            INSERT INTO holds (hold_id, payment_hash, amount_msat, route, deadline)
            SELECT $10, payment_hash, $9::bigint, $11, now() + $12::bigint * interval '1 millisecond' FROM credited
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'hold', payment_hash, $10, $11, $9::bigint FROM credited
        )
        SELECT paid_msat, spent_msat, is_new FROM credited
        """
    )

    /// Creates a credit without debiting it; does nothing when it exists.
    static let open = Statement(
        "ledger.open",
        """
        WITH credited AS (
            INSERT INTO credits (payment_hash, token_id, service, tier, purpose, paid_msat, expires_at, rate_ppm)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (payment_hash) DO NOTHING
            RETURNING payment_hash, purpose, paid_msat
        )
        INSERT INTO ledger_entries (kind, payment_hash, amount_msat)
        SELECT \(arrival), payment_hash, paid_msat FROM credited
        """
    )

    /// The kind of entry that a credit begins with.
    private static let arrival = "CASE purpose WHEN 'deposit' THEN 'deposit' WHEN 'mint' THEN 'mint' ELSE 'pay' END"

    /// Debits one credit if the limits of the token hold too; see the function in migrations.
    static let debitWithinLimits = Statement(
        "ledger.debit_within_limits",
        """
        SELECT outcome, paid, spent FROM debit_within_limits($1, $2, $3, $4, $5, $6::bytea[], $7::bigint[], $8::bigint[])
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

    /// Ends one hold that has turned out to be worth less: the rest goes back in the same statement.
    ///
    /// Parameters: hold, what is charged.
    static let settleMetered = Statement(
        "ledger.settle_metered",
        """
        WITH locked AS (
            SELECT hold_id FROM holds WHERE hold_id = $1 FOR UPDATE
        ), gone AS (
            DELETE FROM holds h USING locked l WHERE h.hold_id = l.hold_id
            RETURNING h.hold_id, h.payment_hash, h.route, h.amount_msat, h.limit_keys
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'settle', payment_hash, hold_id, route, amount_msat FROM gone
        ), \(giveChange("$2"))
        SELECT hold_id, amount_msat FROM gone
        """
    )

    /// Gives back what a settled hold of `gone` holds above the charge.
    static func giveChange(_ charge: String) -> String {
        """
        change AS (
            SELECT payment_hash, route, limit_keys, amount_msat - \(charge)::bigint AS amount
              FROM gone WHERE amount_msat > \(charge)::bigint
        ), credited AS (
            UPDATE credits c SET spent_msat = c.spent_msat - x.amount
              FROM change x WHERE c.payment_hash = x.payment_hash
        ), uncounted AS (
            UPDATE token_uses u SET spent_msat = u.spent_msat - x.amount
              FROM change x WHERE u.limit_key = ANY (x.limit_keys)
        ), refunded AS (
            INSERT INTO ledger_entries (kind, payment_hash, route, amount_msat)
            SELECT 'refund', payment_hash, route, amount FROM change
        )
        """
    }

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
            RETURNING h.hold_id, h.payment_hash, h.route, h.amount_msat, h.limit_keys
        ), back AS (
            SELECT payment_hash, sum(amount_msat)::bigint AS amount FROM gone GROUP BY payment_hash
        ), owners AS (
            SELECT c.payment_hash, b.amount FROM credits c JOIN back b ON b.payment_hash = c.payment_hash
             ORDER BY c.payment_hash FOR UPDATE OF c
        ), credited AS (
            UPDATE credits c SET spent_msat = c.spent_msat - o.amount
              FROM owners o WHERE c.payment_hash = o.payment_hash
        ), uncounted AS (
            UPDATE token_uses u SET uses = u.uses - b.uses, spent_msat = u.spent_msat - b.amount
              FROM (SELECT k.limit_key, count(*) AS uses, sum(g.amount_msat)::bigint AS amount
                      FROM gone g JOIN owners o ON o.payment_hash = g.payment_hash,
                           unnest(g.limit_keys) AS k (limit_key)
                     GROUP BY k.limit_key) b
             WHERE u.limit_key = b.limit_key
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

    /// The columns of a ``Credit``.
    static let creditColumns =
        "payment_hash, token_id, service, tier, purpose, paid_msat, spent_msat, created_at, last_used_at, expires_at, "
        + "rate_ppm, closed_at"

    static let credit = Statement(
        "ledger.credit",
        """
        SELECT \(creditColumns) FROM credits WHERE payment_hash = $1
        """
    )
}
