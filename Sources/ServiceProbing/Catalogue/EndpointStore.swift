// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
public import Postgres
internal import ServiceChecks
internal import TrustScore

/// The table `endpoints`, from the side of the checks.
public struct EndpointStore: Sendable {
    let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    private static let columns = """
        e.url_hash, e.url, e.host, e.http_method, e.advertised_msat, e.price_msat, e.operator_id,
        extract(epoch FROM now() - e.last_query_at)::float8, e.deprecated_at IS NOT NULL,
        coalesce((SELECT (1.5 + (p.alpha - 1.5) * f) / (3 + (p.alpha + p.beta - 3) * f) FROM posteriors p,
            LATERAL (SELECT exp(-greatest(0, extract(epoch FROM now()) - p.last_ts) / 604800)::float8 AS f) decay
            WHERE p.kind = 2 AND p.id = e.url_hash AND p.source = 1 AND p.stage = 1), 0.5)::float8,
        e.listing_rank >= 3
        """

    /// Whoever takes endpoints has ten minutes to look at them before they are due again.
    private static let claim = Statement(
        "endpoints.claim",
        """
        UPDATE endpoints e SET next_check_at = now() + interval '10 minutes'
        WHERE url_hash IN (
            SELECT url_hash FROM endpoints WHERE next_check_at <= now() ORDER BY next_check_at LIMIT $1
            FOR UPDATE SKIP LOCKED)
        RETURNING \(columns)
        """
    )
    private static let find = Statement("endpoints.find", "SELECT \(columns) FROM endpoints e WHERE e.url_hash = $1")
    private static let findIdentity = Statement(
        "endpoints.find_identity",
        "SELECT \(columns) FROM endpoints e WHERE e.canonical_url = $1 ORDER BY e.query = $2 DESC, e.first_seen LIMIT 1"
    )
    private static let postpone = Statement(
        "endpoints.postpone",
        "UPDATE endpoints SET next_check_at = now() + $2 * interval '1 second' WHERE url_hash = ANY($1)"
    )
    private static let demand = Statement(
        "endpoints.demand",
        """
        UPDATE endpoints SET last_query_at = now(), demand = 1 + demand
            * exp(-least(60, coalesce(extract(epoch FROM now() - last_query_at), 0) / 259200))
        WHERE url_hash = $1
        """
    )

    /// Takes endpoints that are due for a look; nobody else gets them meanwhile.
    public func claimDue(limit: Int) async throws(PostgresError) -> [Endpoint] {
        var found: [Endpoint] = []
        for row in try await client.query(Self.claim, [.int4(Int32(clamping: limit))]) {
            found.append(try Self.endpoint(row))
        }
        return found
    }

    /// The endpoint with a hash.
    public func find(_ hash: [UInt8]) async throws(PostgresError) -> Endpoint? {
        guard let row = try await client.query(Self.find, [.bytea(hash)]).first else { return nil }
        return try Self.endpoint(row)
    }

    /// The endpoint of a URL; one with another query when there is none with this one.
    public func find(url: String) async throws(PostgresError) -> Endpoint? {
        guard let identity = EndpointIdentity(url) else { return nil }
        let values: [PostgresValue] = [.text(identity.canonical.description), .text(identity.query)]
        guard let row = try await client.query(Self.findIdentity, values).first else { return nil }
        return try Self.endpoint(row)
    }

    /// Has endpoints looked at later.
    public func postpone(_ hashes: [[UInt8]], seconds: Double) async throws(PostgresError) {
        try await client.execute(Self.postpone, [.byteaArray(hashes), .float8(seconds)])
    }

    private static let news = Statement("endpoints.news", "SELECT pg_notify('scores', '')")

    /// Tells the oracle that there is something new to load.
    func announce() async throws(PostgresError) { _ = try await client.query(Self.news) }

    /// Notes that somebody asked for an endpoint.
    public func noteQuery(_ hash: [UInt8]) async throws(PostgresError) {
        try await client.execute(Self.demand, [.bytea(hash)])
    }

    static func endpoint(_ row: Row) throws(PostgresError) -> Endpoint {
        Endpoint(
            hash: try row.bytea(0),
            url: try row.text(1),
            host: try row.text(2),
            method: try row.text(3),
            advertised: try row.optionalInt8(4).map { MilliSatoshi(msat: $0) },
            isAdvertisedByOwner: try row.bool(10),
            price: try row.optionalInt8(5).map { MilliSatoshi(msat: $0) },
            operatorID: try row.optionalBytea(6),
            secondsSinceQuery: try row.optionalFloat8(7),
            challengeProbability: try row.float8(9),
            isDeprecated: try row.bool(8)
        )
    }
}
