// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
public import Postgres
public import Roughtime

/// Keeps verified reports of malfeasance, the newest so many.
public struct MalfeasanceStore: Sendable {
    /// How many are kept.
    public static let capacity: Int64 = 10_000

    private let client: PostgresClient

    public init(client: PostgresClient) {
        self.client = client
    }

    private static let keep = Statement(
        "time.keep_report",
        """
        WITH kept AS (
            INSERT INTO malfeasance_reports (id, document, links, suspect) VALUES ($1, $2, $3, $4)
            ON CONFLICT (id) DO NOTHING RETURNING id
        )
        DELETE FROM malfeasance_reports WHERE EXISTS (SELECT FROM kept) AND id IN (
            SELECT id FROM malfeasance_reports ORDER BY created_at DESC, id OFFSET $5
        )
        """
    )
    private static let find = Statement(
        "time.find_report",
        "SELECT document FROM malfeasance_reports WHERE id = $1"
    )

    /// Keeps a report; the same one is kept once.
    ///
    /// - Returns: its id, 32 bytes.
    public func keep(_ chain: VerifiedChain) async throws -> [UInt8] {
        let document = Array(MalfeasanceReport(links: chain.links).json)
        let id = Array(SHA256.hash(data: document))
        _ = try await client.execute(
            Self.keep,
            [
                .bytea(id), .bytea(document), .int4(Int32(chain.links.count)),
                chain.suspect.map { .bytea($0) } ?? .null,
                // The new one is not among those counted yet.
                .int8(Self.capacity - 1),
            ]
        )
        return id
    }

    /// The document of a report.
    public func find(_ id: [UInt8]) async throws -> [UInt8]? {
        try await client.query(Self.find, [.bytea(id)]).first.map { try $0.bytea(0) }
    }
}
