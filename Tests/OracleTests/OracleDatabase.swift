// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import Foundation
import Gzip
import LightningPrimitives
import Oracle
import Postgres
import PostgresTestSupport
import Testing

/// A database with the scores of the 100 best connected nodes of mainnet.
enum OracleDatabase {
    /// A day after the snapshot.
    static let now = Date(timeIntervalSince1970: 1_770_200_000)

    static func with<Value: Sendable>(
        _ body: @Sendable (PostgresClient, TrustOracle) async throws -> Value
    ) async throws -> Value {
        try await TestDatabase.withEmpty { client in
            try await client.withConnection { session in
                for name in ["0002_graph", "0003_jobs", "0006_evidence", "0008_services"] {
                    let url = projectFile("migrations/\(name).sql")
                    try await session.script(String(contentsOf: url, encoding: .utf8))
                }
            }
            return try await body(client, TrustOracle(client: client, logger: TestDatabase.silentLogger))
        }
    }

    /// Runs a scoring pass.
    static func score(_ client: PostgresClient) async throws {
        _ = try await client.withConnection { try await GraphPass(Top100()).run($0, now: now) }
    }

    /// The scores as loaded after one pass.
    static func snapshot() async throws -> ScoreSnapshot {
        try await with { client, oracle in
            try await score(client)
            try await oracle.reload()
            return oracle.snapshot
        }
    }

    private struct Top100: GraphSource {
        func status() async throws -> GraphSourceStatus {
            let key = [2] + [UInt8](repeating: 1, count: 32)
            return GraphSourceStatus(node: try #require(NodeID(key)), isSyncedToGraph: true)
        }

        func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws {
            let path = projectFile("Examples/graph/mainnet-2026-02-03-top100.graph.json.gz").path
            let reader = try GzipReader(path: path)
            while let chunk = try reader.next() { try chunk.withUnsafeBytes(take) }
        }
    }
}

/// A file of the project, by its path from the project's directory.
func projectFile(_ path: String) -> URL {
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: path)
}

/// An answer as the JSON object a client sees.
func json(_ answer: some Encodable) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: JSONEncoder().encode(answer))
    return try #require(object as? [String: Any])
}
