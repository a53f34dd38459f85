// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives
public import Postgres
public import Registries
internal import ServiceChecks
internal import TrustScore

/// What became of the rows of a directory.
public struct IngestionReport: Sendable, Hashable {
    /// Endpoints that were not known.
    public var added = 0
    /// Endpoints that were known, with what the directory now says.
    public var updated = 0
    /// Rows left out, by reason.
    public var skipped: [String: Int] = [:]
}

extension ServiceSource {
    /// Whose word counts more: the owner's, then a directory's that owners pay to be in, then an open one's.
    var rank: Int16 {
        switch self {
        case .selfRegistered: 3
        case .l402Directory: 2
        case .index402: 1
        case .adHoc: 0
        }
    }
}

extension EndpointStore {
    private static let known = Statement(
        "endpoints.known",
        "SELECT url_hash, canonical_url, query FROM endpoints WHERE canonical_url = ANY($1)"
    )
    private static let perHost = Statement(
        "endpoints.per_host",
        "SELECT host, count(*) FROM endpoints WHERE host = ANY($1) GROUP BY host"
    )
    /// Merges rows of one source into the catalogue: the word of the higher source counts, the other fills what is empty.
    private static let merge = Statement(
        "endpoints.merge",
        """
        INSERT INTO endpoints AS e (url_hash, url, canonical_url, query, host, http_method, name, description, category,
            provider, provider_contact, consumption_type, advertised_msat, upstream_health, upstream_uptime,
            upstream_latency_ms, upstream_reliability, upstream_checked_at, sources, listing_rank, upstream_source)
        SELECT r.*, ARRAY[$18], $19, CASE WHEN num_nonnulls(r.health, r.uptime, r.latency, r.reliability) > 0 THEN $18 END
        FROM (
            SELECT hash, url, canonical, query, host, method, name, description, category, provider, contact, consumption,
                price, health, uptime, latency, reliability,
                CASE WHEN checked IS NULL THEN NULL ELSE to_timestamp(checked) END
            FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::text[], $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], $15::float8[],
                $16::integer[], $17::float8[], $20::bigint[])
            AS row (hash, url, canonical, query, host, method, name, description, category, provider, contact,
                consumption, price, health, uptime, latency, reliability, checked)
        ) r
        ON CONFLICT (url_hash) DO UPDATE SET
            http_method = CASE WHEN excluded.listing_rank >= e.listing_rank AND e.answer IS DISTINCT FROM 'l402'
                AND e.answer IS DISTINCT FROM 'lsat' THEN excluded.http_method ELSE e.http_method END,
            name = CASE WHEN excluded.listing_rank >= e.listing_rank
                THEN coalesce(excluded.name, e.name) ELSE coalesce(e.name, excluded.name) END,
            description = CASE WHEN excluded.listing_rank >= e.listing_rank
                THEN coalesce(excluded.description, e.description) ELSE coalesce(e.description, excluded.description) END,
            category = CASE WHEN excluded.listing_rank >= e.listing_rank
                THEN coalesce(excluded.category, e.category) ELSE coalesce(e.category, excluded.category) END,
            provider = CASE WHEN excluded.listing_rank >= e.listing_rank
                THEN coalesce(excluded.provider, e.provider) ELSE coalesce(e.provider, excluded.provider) END,
            advertised_msat = CASE WHEN excluded.listing_rank >= e.listing_rank
                THEN coalesce(excluded.advertised_msat, e.advertised_msat)
                ELSE coalesce(e.advertised_msat, excluded.advertised_msat) END,
            provider_contact = coalesce(excluded.provider_contact, e.provider_contact),
            consumption_type = coalesce(excluded.consumption_type, e.consumption_type),
            upstream_health = coalesce(excluded.upstream_health, e.upstream_health),
            upstream_uptime = coalesce(excluded.upstream_uptime, e.upstream_uptime),
            upstream_latency_ms = coalesce(excluded.upstream_latency_ms, e.upstream_latency_ms),
            upstream_reliability = coalesce(excluded.upstream_reliability, e.upstream_reliability),
            upstream_checked_at = coalesce(excluded.upstream_checked_at, e.upstream_checked_at),
            upstream_source = coalesce(excluded.upstream_source, e.upstream_source),
            listing_rank = greatest(e.listing_rank, excluded.listing_rank),
            sources = CASE WHEN e.sources @> excluded.sources THEN e.sources
                ELSE array_remove(e.sources, 'ad_hoc') || excluded.sources END,
            updated_at = now()
        """
    )

    private struct Wanted {
        let identity: EndpointIdentity
        let service: ListedService
        var hash: [UInt8]
    }

    /// Takes the rows of one directory into the catalogue.
    ///
    /// - Parameters:
    ///   - services: of one source.
    ///   - caps: how many new endpoints of a host are taken.
    ///   - isAllowed: whether a URL may be asked at all.
    public func ingest(
        _ services: [ListedService],
        caps: HostCaps = HostCaps(),
        isAllowed: (String) -> Bool
    ) async throws(PostgresError) -> IngestionReport {
        var report = IngestionReport()
        guard let source = services.first?.source else { return report }
        var wanted: [Wanted] = []
        var seen: Set<EndpointIdentity> = []
        for service in services {
            guard let identity = EndpointIdentity(service.url), isAllowed(service.url) else {
                report.skipped["url", default: 0] += 1
                continue
            }
            guard service.source == source, seen.insert(identity).inserted else {
                report.skipped["duplicate", default: 0] += 1
                continue
            }
            wanted.append(Wanted(identity: identity, service: service, hash: identity.hash))
        }
        let chosen = try await choose(wanted, caps, &report)
        for start in stride(from: 0, to: chosen.count, by: 500) {
            try await merge(Array(chosen[start..<min(start + 500, chosen.count)]), source)
        }
        return report
    }

    /// Gives every row its hash and leaves out what is too much for its host.
    private func choose(
        _ wanted: [Wanted],
        _ caps: HostCaps,
        _ report: inout IngestionReport
    ) async throws(PostgresError) -> [Wanted] {
        var known: [String: [UInt8]] = [:]
        var taken: Set<[UInt8]> = []
        let canonical = Array(Set(wanted.map(\.identity.canonical.description)))
        for row in try await client.query(Self.known, [.textArray(canonical)]) {
            let hash = try row.bytea(0)
            known["\(try row.text(1))?\(try row.text(2))"] = hash
            taken.insert(hash)
        }
        var totals: [String: Int] = [:]
        for row in try await client.query(Self.perHost, [.textArray(Array(Set(wanted.map(\.identity.host))))]) {
            totals[try row.text(0)] = Int(try row.int8(1))
        }
        var added: [String: Int] = [:]
        var chosen: [Wanted] = []
        for var item in wanted {
            let identity = item.identity
            if let hash = known["\(identity.canonical)?\(identity.query)"] {
                item.hash = hash
                report.updated += 1
            } else if added[identity.host, default: 0] >= caps.perRun
                || totals[identity.host, default: 0] >= caps.total
            {
                report.skipped["host_cap", default: 0] += 1
                continue
            } else {
                if !taken.insert(item.hash).inserted {
                    item.hash = identity.alternateHash
                    taken.insert(item.hash)
                }
                added[identity.host, default: 0] += 1
                totals[identity.host, default: 0] += 1
                report.added += 1
            }
            chosen.append(item)
        }
        return chosen
    }

    private func merge(_ rows: [Wanted], _ source: ServiceSource) async throws(PostgresError) {
        let services = rows.map(\.service)
        func texts(_ value: (ListedService) -> String?) -> PostgresValue { .optionalTextArray(services.map(value)) }
        let values: [PostgresValue] = [
            .byteaArray(rows.map(\.hash)), .textArray(services.map(\.url)),
            .textArray(rows.map(\.identity.canonical.description)), .textArray(rows.map(\.identity.query)),
            .textArray(rows.map(\.identity.host)), .textArray(services.map(\.method)), texts(\.name),
            texts(\.description), texts(\.category), texts(\.provider), texts(\.providerContact),
            texts(\.consumptionType), .optionalInt8Array(services.map { $0.price?.msat }), texts { $0.signals?.health },
            .optionalFloat8Array(services.map { $0.signals?.uptime30d }),
            .optionalInt4Array(services.map { $0.signals?.latencyP50Ms.map { Int32(clamping: $0) } }),
            .optionalFloat8Array(services.map { $0.signals?.reliability }), .text(source.rawValue),
            .int2(source.rank), .optionalInt8Array(services.map { $0.signals?.lastChecked }),
        ]
        try await client.execute(Self.merge, values)
    }
}
