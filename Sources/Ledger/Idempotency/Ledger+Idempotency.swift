// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import LightningPrimitives
internal import Postgres

/// The SQL behind `Idempotency-Key`.
private enum IdempotencyStatements {
    /// Takes a key that nobody has, or whose request has died or is forgotten.
    static let reserve = Statement(
        "idempotency.reserve",
        """
        INSERT INTO idempotent_answers AS a (payment_hash, key, fingerprint, worker, reserved_until, expires_at)
        VALUES ($1, $2, $3, $4, now() + $5::bigint * interval '1 millisecond', now() + $6::bigint * interval '1 millisecond')
        ON CONFLICT (payment_hash, key) DO UPDATE
           SET fingerprint = excluded.fingerprint, worker = excluded.worker, reserved_until = excluded.reserved_until,
               expires_at = excluded.expires_at, status = NULL, headers = NULL, body = NULL
         WHERE a.expires_at <= now() OR (a.status IS NULL AND a.reserved_until <= now())
        RETURNING 1
        """
    )

    static let find = Statement(
        "idempotency.find",
        """
        SELECT fingerprint, status, headers::text, body FROM idempotent_answers
         WHERE payment_hash = $1 AND key = $2 AND expires_at > now()
        """
    )

    /// Earns a hold and keeps the answer, both or neither, and only while the key is still the worker's.
    static let settle = Statement(
        "idempotency.settle",
        """
        WITH mine AS (
            SELECT payment_hash, key FROM idempotent_answers
             WHERE payment_hash = $2 AND key = $3 AND worker = $4 FOR UPDATE
        ), locked AS (
            SELECT h.hold_id FROM holds h, mine WHERE h.hold_id = $1 FOR UPDATE OF h
        ), gone AS (
            DELETE FROM holds h USING locked l WHERE h.hold_id = l.hold_id
            RETURNING h.hold_id, h.payment_hash, h.route, h.amount_msat, h.limit_keys
        ), booked AS (
            INSERT INTO ledger_entries (kind, payment_hash, hold_id, route, amount_msat)
            SELECT 'settle', payment_hash, hold_id, route, amount_msat FROM gone
        ), kept AS (
            UPDATE idempotent_answers a
               SET status = $5, headers = $6::jsonb, body = $7,
                   expires_at = now() + $8::bigint * interval '1 millisecond'
              FROM mine, gone WHERE a.payment_hash = mine.payment_hash AND a.key = mine.key
        ), \(LedgerStatements.giveChange("$9"))
        SELECT hold_id FROM gone
        """
    )

    static let abandon = Statement(
        "idempotency.abandon",
        """
        DELETE FROM idempotent_answers WHERE payment_hash = $1 AND key = $2 AND worker = $3 AND status IS NULL
        """
    )

    static let purge = Statement(
        "idempotency.purge",
        """
        DELETE FROM idempotent_answers WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM idempotent_answers WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED
        ))
        """
    )
}

extension Ledger {
    /// How long an answer is kept for repetitions of its request.
    public static let answerLifetime: Duration = .seconds(600)
    /// The longest body that is kept, in bytes.
    public static let answerLimit = 65_536

    /// Finds out whether a request with a key is the first of its kind.
    ///
    /// Settle or abandon the work that it reserves; if neither happens, because the process has died, the key is free
    /// again when the hold's lifetime is over.
    public func reserve(_ request: IdempotentRequest) async throws(LedgerError) -> Reservation {
        let worker = HoldID.make().bytes
        let key: [PostgresValue] = [.bytea(request.paymentHash.bytes), .text(request.storedKey)]
        let lifetime = Int64(store.configuration.holdLifetime / .milliseconds(1))
        let kept = max(lifetime, Int64(Self.answerLifetime / .milliseconds(1)))
        for _ in 0..<2 {
            let reserved = try await store.run(
                IdempotencyStatements.reserve,
                key + [.bytea(request.fingerprint), .bytea(worker), .int8(lifetime), .int8(kept)]
            )
            if !reserved.isEmpty { return .reserved(IdempotentWork(request: request, worker: worker)) }
            let found = try await store.run(IdempotencyStatements.find, key)
            // Nothing: it was abandoned in between, so that the key is free again.
            if let row = found.first { return try reservation(row, request) }
        }
        return .underWay
    }

    private func reservation(_ row: Row, _ request: IdempotentRequest) throws(LedgerError) -> Reservation {
        let answers = try store.decode([row]) { row throws(PostgresError) -> Reservation in
            guard try row.bytea(0) == request.fingerprint else { return .conflict }
            guard let status = try row.optionalInt2(1), let body = try row.optionalBytea(3) else { return .underWay }
            let json = Data((try row.optionalText(2) ?? "{}").utf8)
            let headers = try? JSONDecoder().decode([String: String].self, from: json)
            return .answered(StoredAnswer(status: Int(status), headers: headers ?? [:], body: body))
        }
        return answers.first ?? .underWay
    }

    /// Earns what a grant holds and keeps the answer for repetitions, both or neither.
    ///
    /// Harmless when repeated.
    /// - Parameter charge: what is charged, at most what the grant holds; the rest goes back.
    /// - Throws: `.expired` when the value went back before, because the hold's deadline has passed.
    public func settle(
        _ grant: PaidGrant,
        for work: IdempotentWork,
        answer: StoredAnswer,
        charging charge: MilliSatoshi? = nil
    ) async throws(LedgerError) {
        let charge = try Self.charge(charge, of: grant)
        guard answer.body.count <= Self.answerLimit, let headers = try? JSONEncoder().encode(answer.headers) else {
            // Too long to keep: a repetition is a request of its own.
            try await settle(grant, charging: charge)
            return await abandon(work)
        }
        let rows = try await store.run(
            IdempotencyStatements.settle,
            [
                .bytea(grant.holdID.bytes), .bytea(work.request.paymentHash.bytes), .text(work.request.storedKey),
                .bytea(work.worker), .int2(Int16(clamping: answer.status)),
                .jsonb(String(decoding: headers, as: UTF8.self)), .bytea(answer.body),
                .int8(Int64(Self.answerLifetime / .milliseconds(1))), .int8(charge.msat),
            ]
        )
        if !rows.isEmpty { return instruments.didSettle(charge, route: grant.route) }
        guard try await store.ends([grant.holdID])[grant.holdID] == .settled else { throw .expired }
    }

    /// Frees the key of work that came to nothing, so that a repetition is served anew.
    public func abandon(_ work: IdempotentWork) async {
        let values: [PostgresValue] = [
            .bytea(work.request.paymentHash.bytes), .text(work.request.storedKey), .bytea(work.worker),
        ]
        // If it cannot be freed now, it is when its reservation is over.
        _ = try? await store.run(IdempotencyStatements.abandon, values)
    }

    /// Forgets answers that are kept no longer.
    func purgeAnswers(limit: Int = 1000) async throws(LedgerError) {
        _ = try await store.run(IdempotencyStatements.purge, [.int8(Int64(limit))])
    }
}
