// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import LightningPrimitives
internal import Postgres
internal import TrustScore

/// Reads the catalogue of services with what was observed of them.
struct ServiceLoader: Sendable {
    private static let services = Statement(
        "oracle.services",
        """
        SELECT url_hash, url, http_method, host, name, description, category, provider, provider_contact,
            consumption_type, sources, upstream_uptime, upstream_reliability, answer, invoice_check, token_format,
            last_status, last_latency_ms, median_latency_ms, extract(epoch FROM last_checked_at)::bigint, check_count,
            success_count, extract(epoch FROM last_paid_at)::bigint, last_paid_outcome, price_msat, advertised_msat,
            payee, operator_id, deprecated_at IS NOT NULL, deprecated_reason
        FROM endpoints
        """
    )

    let client: PostgresClient

    func load() async throws(PostgresError) -> [ServiceRecord] {
        let observations = try await ObservationLoader(client: client, kind: .endpoint).load()
        var stages: [[UInt8]: [Stage: Observations]] = [:]
        for (key, seen) in observations {
            if let stage = key.stage { stages[key.id, default: [:]][stage] = seen }
        }
        var records: [ServiceRecord] = []
        for row in try await client.query(Self.services, deadline: .seconds(60)) {
            let id = try row.bytea(0)
            guard let hash = ServiceHash(id) else { continue }
            records.append(try Self.record(row, hash, stages[id] ?? [:]))
        }
        return records
    }

    private static func record(
        _ row: Row,
        _ hash: ServiceHash,
        _ stages: [Stage: Observations]
    ) throws(PostgresError) -> ServiceRecord {
        let (observed, advertised) = (try row.optionalInt8(24), try row.optionalInt8(25))
        return ServiceRecord(
            hash: hash,
            url: try row.text(1),
            method: try row.text(2),
            host: try row.text(3),
            listing: try listing(row),
            checks: try checks(row),
            priceMsat: observed ?? advertised,
            isPriceObserved: observed != nil,
            payee: try row.optionalBytea(26).flatMap { NodeID($0) },
            operatorID: try row.optionalBytea(27).map { Hex.encode($0) },
            isDeprecated: try row.bool(28),
            deprecatedReason: try row.optionalText(29),
            stages: stages
        )
    }

    private static func listing(_ row: Row) throws(PostgresError) -> ServiceRecord.Listing {
        ServiceRecord.Listing(
            name: try row.optionalText(4),
            description: try row.optionalText(5),
            category: try row.optionalText(6),
            provider: try row.optionalText(7),
            contact: try row.optionalText(8),
            consumptionType: try row.optionalText(9),
            sources: try row.textArray(10),
            uptime30d: try row.optionalFloat8(11),
            reliability: try row.optionalFloat8(12)
        )
    }

    private static func checks(_ row: Row) throws(PostgresError) -> ServiceRecord.Checks {
        ServiceRecord.Checks(
            answer: try row.optionalText(13),
            invoice: try row.optionalText(14),
            tokenFormat: try row.optionalText(15),
            status: try row.optionalInt4(16).map(Int.init),
            latencyMs: try row.optionalInt4(17).map(Int.init),
            medianLatencyMs: try row.optionalFloat8(18),
            lastCheckedAt: try row.optionalInt8(19),
            count: try row.int8(20),
            successes: try row.int8(21),
            lastPaidAt: try row.optionalInt8(22),
            lastPaidOutcome: try row.optionalText(23)
        )
    }
}
