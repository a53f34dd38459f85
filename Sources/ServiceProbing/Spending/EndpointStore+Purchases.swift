// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Evidence
public import LightningPrimitives
public import Postgres
public import ServiceChecks
internal import TrustScore

extension EndpointStore {
    /// Endpoints whose paid stages are worth knowing: seen with a challenge or not looked at yet, not deprecated.
    private static let candidates = Statement(
        "endpoints.candidates",
        """
        SELECT e.url_hash, e.host, e.operator_id, coalesce(e.price_msat, e.advertised_msat, $1),
            (e.demand * exp(-least(60, coalesce(extract(epoch FROM now() - e.last_query_at), 0) / 259200)))::float8,
            e.last_paid_at IS NOT NULL,
            (SELECT array_agg(p.stage ORDER BY p.stage, p.source) FROM posteriors p WHERE p.kind = 2 AND p.id = e.url_hash),
            (SELECT array_agg(1.5 + (p.alpha - 1.5) * exp(-greatest(0, extract(epoch FROM now()) - p.last_ts)
                / CASE p.source WHEN 1 THEN 604800 ELSE 2592000 END)::float8 ORDER BY p.stage, p.source)
                FROM posteriors p WHERE p.kind = 2 AND p.id = e.url_hash),
            (SELECT array_agg(1.5 + (p.beta - 1.5) * exp(-greatest(0, extract(epoch FROM now()) - p.last_ts)
                / CASE p.source WHEN 1 THEN 604800 ELSE 2592000 END)::float8 ORDER BY p.stage, p.source)
                FROM posteriors p WHERE p.kind = 2 AND p.id = e.url_hash),
            e.payee
        FROM endpoints e
        WHERE e.deprecated_at IS NULL AND e.check_count >= 1 AND e.last_status IN (0, 402)
            AND coalesce(e.answer IN ('l402', 'lsat', 'no_answer'), true)
            AND coalesce(e.price_msat, e.advertised_msat, $1) <= $1
            AND (e.last_paid_at IS NULL OR e.last_paid_at < now() - $2 * interval '1 second')
        ORDER BY e.last_paid_at NULLS FIRST LIMIT 5000
        """
    )
    private static let notePurchase = Statement(
        "endpoints.note_purchase",
        """
        UPDATE endpoints SET last_paid_outcome = $2, updated_at = now(),
            last_paid_at = CASE WHEN $3 THEN now() ELSE last_paid_at END
        WHERE url_hash = $1
        """
    )

    /// Endpoints that paid probes can choose from.
    ///
    /// - Parameters:
    ///   - cap: what one probe may pay; also the guess where no price is known.
    ///   - expectedFee: of a payment.
    ///   - pause: seconds since the last purchase.
    public func candidates(
        cap: MilliSatoshi,
        expectedFee: MilliSatoshi,
        pause: Double
    ) async throws(PostgresError) -> [PaidProbeChoice.Candidate] {
        var found: [PaidProbeChoice.Candidate] = []
        for row in try await client.query(Self.candidates, [.int8(cap.msat), .float8(pause)]) {
            var beliefs: [Stage: [BetaDistribution]] = [:]
            let stages = try row.optionalInt4Array(6) ?? []
            let alphas = try row.optionalFloat8Array(7) ?? []
            let betas = try row.optionalFloat8Array(8) ?? []
            for (code, parameters) in zip(stages, zip(alphas, betas)) {
                guard let stage = EvidenceCode.stage(Int16(clamping: code)) else { continue }
                beliefs[stage, default: []].append(BetaDistribution(alpha: parameters.0, beta: parameters.1))
            }
            found.append(
                PaidProbeChoice.Candidate(
                    endpoint: try row.bytea(0),
                    host: try row.text(1),
                    payee: try row.optionalBytea(9).flatMap { NodeID($0) },
                    operatorID: try row.optionalBytea(2),
                    price: MilliSatoshi(msat: try row.int8(3)),
                    expectedFee: expectedFee,
                    recentQueries: try row.float8(4),
                    wasPaidBefore: try row.bool(5),
                    stages: beliefs.mapValues { BetaDistribution.combining($0) }
                )
            )
        }
        return found
    }

    /// Writes down a purchase: what it has cost stands in the spend ledger, what it has taught goes here.
    public func record(_ purchase: ServicePurchase) async throws(PostgresError) {
        let values: [PostgresValue] = [
            .bytea(purchase.check.endpoint.hash), .text(purchase.outcome.rawValue), .bool(purchase.paid > .zero),
        ]
        try await client.execute(Self.notePurchase, values)
        try await see([purchase.check])
        try await EvidenceStore(client).record(purchase.outcomes)
    }
}
