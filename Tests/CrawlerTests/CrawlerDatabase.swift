// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Postgres
import PostgresTestSupport
import Testing

/// Databases with the tables of the graph and the jobs.
enum CrawlerDatabase {
    static func with<Value: Sendable>(_ body: @Sendable (PostgresClient) async throws -> Value) async throws -> Value {
        try await TestDatabase.withEmpty { client in
            try await client.withConnection { session in
                for name in ["0002_graph", "0003_jobs", "0007_live_graph", "0006_evidence", "0008_services"] {
                    let url = projectFile("migrations/\(name).sql")
                    try await session.script(String(contentsOf: url, encoding: .utf8))
                }
            }
            return try await body(client)
        }
    }
}

extension PostgresClient {
    /// The single number that a query returns.
    func number(_ sql: String) async throws -> Int64 {
        try #require(await query(Statement("number.\(sql.hashValue)", sql)).first).int8(0)
    }

    /// The single byte string that a query returns.
    func bytes(_ sql: String) async throws -> [UInt8] {
        try #require(await query(Statement("bytes.\(sql.hashValue)", sql)).first).bytea(0)
    }

    /// The single text that a query returns.
    func text(_ sql: String) async throws -> String {
        try #require(await query(Statement("text.\(sql.hashValue)", sql)).first).text(0)
    }
}
