// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import Evidence
import Foundation
import Postgres
import Testing

@Suite("Learning from own payments")
struct LiquidityLearningTests {
    private static let now = Date(timeIntervalSince1970: 1_770_200_000)
    private let seconds = Int64(Self.now.timeIntervalSince1970)

    private func run(_ client: PostgresClient, _ pass: GraphPass<TestGraphSource>) async throws -> PassReport {
        try await client.withConnection { try await pass.run($0, now: Self.now) }
    }

    /// The mean of a node's probability for 1,000,000 sat, in millionths, over the nodes that channels lead to.
    private func reach(_ client: PostgresClient, _ nodes: String) async throws -> Int64 {
        try await client.number(
            """
            SELECT (1000000 * avg(coalesce((p_reach->'1000000'->>'p')::float8, 0)))::bigint
            FROM node_scores s JOIN nodes n USING (hash) WHERE n.pubkey IN (\(nodes))
            """
        )
    }

    @Test("attempts that failed lower what is promised, are forecast before they are learnt from, and only once")
    func failures() async throws {
        try await CrawlerDatabase.with { client in
            let pass = GraphPass(TestGraphSource.top100)
            _ = try await run(client, pass)
            // Every channel of one node refuses what is sent towards it.
            let victim = "SELECT node1 FROM channels GROUP BY node1 ORDER BY count(*) DESC, node1 LIMIT 1"
            let before = try await reach(client, victim)
            let channels = try await client.query(
                Statement("test.victim", "SELECT scid FROM channels WHERE node1 = (\(victim))")
            ).map { try $0.int8(0) }
            #expect(channels.count > 20 && before > 0)
            let store = PathOutcomeStore(client)
            for (number, channel) in channels.enumerated() {
                try await store.record(
                    PathOutcome(
                        observedAt: seconds - 3600 + Int64(number),
                        kind: .htlcProbe,
                        amountMsat: 1_000_000,
                        hops: [.init(channel: UInt64(bitPattern: channel), direction: 1, amountMsat: 1_000_000)],
                        failedHop: 0
                    )
                )
            }
            // A channel that nobody knows teaches nothing and stops nothing.
            try await store.record(
                PathOutcome(
                    observedAt: seconds,
                    kind: .payment,
                    amountMsat: 1,
                    hops: [.init(channel: 1, direction: 0, amountMsat: 1)],
                    failedHop: 0
                )
            )
            _ = try await run(client, pass)
            let after = try await reach(client, victim)
            #expect(after < before / 2)
            let forecasts = "SELECT count(*) FROM path_outcomes WHERE predicted IS NOT NULL"
            #expect(try await client.number(forecasts) == Int64(channels.count))
            let falling = """
                SELECT count(*) FROM (SELECT predicted < first_value(predicted) OVER (ORDER BY id) AS lower
                    FROM path_outcomes WHERE predicted IS NOT NULL) p WHERE lower
                """
            #expect(try await client.number(falling) > Int64(channels.count * 3 / 4))
            // A restarted crawler learns the same again.
            _ = try await run(client, GraphPass(TestGraphSource.top100))
            #expect(abs(try await reach(client, victim) - after) <= after / 100 + 1)
        }
    }
}
