// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Foundation
internal import Postgres

/// How a watched node does.
public struct NodeHealth: Sendable, Hashable {
    public let name: String
    /// Whether it served when it was last asked, or reported lately where it is not asked.
    public let isAlive: Bool
    /// 32 bytes; `nil` before its first report.
    public let publicKey: [UInt8]?
    public let shareCount: Int64?
    public let isDatabaseOK: Bool?
    public let reportedAt: Date?
    public let answeredAt: Date?
    public let version: String?
    /// The part of the questions of 30 days that it answered, 0 to 1; `nil` before the first one.
    public let uptime: Double?
}

/// What is kept of watched nodes.
struct NodeRecords: Sendable {
    /// How long uptime is remembered.
    static let days = 30
    /// A node that has not reported for so many seconds is silent.
    static let silence: TimeInterval = 600

    let client: PostgresClient

    /// Writes a report down.
    ///
    /// - Returns: the number of shares in the report before, where there was one.
    func report(
        _ node: String,
        publicKey: [UInt8],
        shares: Int64?,
        isDatabaseOK: Bool,
        at time: Date
    ) async throws(PostgresError) -> Int64? {
        let values: [PostgresValue] = [
            .text(node), .bytea(publicKey), shares.map { .int8($0) } ?? .null, .bool(isDatabaseOK), .timestamptz(time),
        ]
        return try await client.query(Self.report, values).first?.optionalInt8(0)
    }

    /// Writes down whether a node served.
    func asked(_ node: String, isServing: Bool, version: String?, at time: Date) async throws(PostgresError) {
        _ = try await client.query(
            Self.asked,
            [.text(node), .timestamptz(time), .bool(isServing), version.map { .text($0) } ?? .null]
        )
        _ = try await client.query(Self.counted, [.text(node), .timestamptz(time), .int4(isServing ? 1 : 0)])
    }

    /// Forgets hours that no uptime counts any more.
    func forgetOld(_ time: Date) async throws(PostgresError) {
        _ = try await client.execute(Self.forget, [.timestamptz(time)])
    }

    func health(_ nodes: [WatchedNode], at time: Date) async throws(PostgresError) -> [NodeHealth] {
        let rows = try await client.query(Self.health, [.textArray(nodes.map(\.name)), .timestamptz(time)])
        var known: [String: NodeHealth] = [:]
        for row in rows {
            let name = try row.text(0)
            let (reportedAt, askedAt, answeredAt) = (
                try row.optionalDate(4), try row.optionalDate(5), try row.optionalDate(6)
            )
            let isReporting = reportedAt.map { time.timeIntervalSince($0) < Self.silence } ?? false
            known[name] = NodeHealth(
                name: name,
                isAlive: askedAt.map { asked in answeredAt.map { $0 >= asked } ?? false } ?? isReporting,
                publicKey: try row.optionalBytea(1),
                shareCount: try row.optionalInt8(2),
                isDatabaseOK: try row.optionalBool(3),
                reportedAt: reportedAt,
                answeredAt: answeredAt,
                version: try row.optionalText(7),
                uptime: try row.optionalFloat8(8)
            )
        }
        return nodes.map { node in
            known[node.name]
                ?? NodeHealth(
                    name: node.name,
                    isAlive: false,
                    publicKey: nil,
                    shareCount: nil,
                    isDatabaseOK: nil,
                    reportedAt: nil,
                    answeredAt: nil,
                    version: nil,
                    uptime: nil
                )
        }
    }

    // The row before is read with the statement's own snapshot, so it is the one that is replaced.
    private static let report = Statement(
        "key_share_nodes.report",
        """
        WITH before AS (SELECT share_count FROM key_share_nodes WHERE name = $1), written AS (
            INSERT INTO key_share_nodes (name, public_key, share_count, is_database_ok, reported_at)
            VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (name) DO UPDATE SET public_key = excluded.public_key,
                share_count = coalesce(excluded.share_count, key_share_nodes.share_count),
                is_database_ok = excluded.is_database_ok, reported_at = excluded.reported_at
        )
        SELECT share_count FROM before
        """
    )
    private static let asked = Statement(
        "key_share_nodes.asked",
        """
        INSERT INTO key_share_nodes (name, asked_at, answered_at, version)
        VALUES ($1, $2, CASE WHEN $3 THEN $2 END, $4)
        ON CONFLICT (name) DO UPDATE SET asked_at = excluded.asked_at,
            answered_at = coalesce(excluded.answered_at, key_share_nodes.answered_at),
            version = coalesce(excluded.version, key_share_nodes.version)
        """
    )
    private static let counted = Statement(
        "key_share_nodes.counted",
        """
        INSERT INTO key_share_node_hours (node, hour, asked, served) VALUES ($1, date_trunc('hour', $2::timestamptz), 1, $3)
        ON CONFLICT (node, hour) DO UPDATE SET asked = key_share_node_hours.asked + 1,
            served = key_share_node_hours.served + excluded.served
        """
    )
    private static let forget = Statement(
        "key_share_nodes.forget",
        "DELETE FROM key_share_node_hours WHERE hour < $1::timestamptz - interval '\(days + 1) days'"
    )
    private static let health = Statement(
        "key_share_nodes.health",
        """
        SELECT name, public_key, share_count, is_database_ok, reported_at, asked_at, answered_at, version,
            (SELECT sum(served)::float8 / nullif(sum(asked), 0) FROM key_share_node_hours
             WHERE node = name AND hour >= $2::timestamptz - interval '\(days) days')
        FROM key_share_nodes WHERE name = ANY ($1)
        """
    )
}
