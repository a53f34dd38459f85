// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import Postgres
import Testing

@testable import Oracle

@Suite("Scores as documents")
struct ScoreStatementTests {
    private static let after = String(repeating: "ab", count: 32)

    @Test("a document says what the API says, and has only one way to be written")
    func document() async throws {
        let snapshot = try await OracleDatabase.snapshot()
        let statements = snapshot.statements
        #expect(statements.count == snapshot.totals.scored && !statements.isEmpty)
        for (statement, record) in zip(statements, snapshot.records).prefix(10) {
            let json = try statement.json(after: Self.after)
            let object = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
            #expect(object["after"] as? String == Self.after)
            #expect(object["publicKeyHash"] as? String == record.hash.hex)
            #expect(object["score"] as? Double == record.scores?.score)
            #expect(object["computedAt"] as? Int64 == snapshot.pass?.finishedAt)
            #expect((object["bayesian"] as? [String: Any])?["n_obs"] as? Double == 0)
            for part in [object, object["components"], object["bayesian"]] {
                let members = try #require(part as? [String: Any])
                let places = try Self.places(of: members.keys.sorted(), in: json)
                #expect(places == places.sorted())
            }
            #expect(!json.contains(UInt8(ascii: " ")) && !json.contains(UInt8(ascii: "\n")))
        }
    }

    @Test("another pass with the same result has the same content, and other nodes have other content")
    func content() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            try await oracle.reload()
            let first = oracle.snapshot
            _ = try await client.execute(
                Statement("later", "UPDATE graph_passes SET finished_at = finished_at + interval '1 minute'")
            )
            try await oracle.reload()
            let second = oracle.snapshot
            let all = try [first, second].map { try $0.statements.map { try $0.content() } }
            #expect(all[0] == all[1])
            let documents = try [first, second].map { try $0.statements[0].json(after: "") }
            #expect(documents[0] != documents[1])
            let contents = try Set(first.statements.map { try $0.content() })
            #expect(contents.count == first.statements.count)
        }
    }

    @Test("before the first loading there is nothing to stamp")
    func empty() {
        #expect(ScoreSnapshot().version == nil && ScoreSnapshot().statements.isEmpty)
    }

    /// Where the members with these names begin.
    private static func places(of names: [String], in json: Data) throws -> [Data.Index] {
        try names.map { name in try #require(json.range(of: Data("\"\(name)\":".utf8))).lowerBound }
    }
}
