// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import Evidence
import Foundation
import LightningGraph
import LightningPrimitives
import Postgres
import Synchronization
import Testing
import TrustScore

@Suite("Graph pass")
struct GraphPassTests {
    /// A day after the snapshot.
    private static let now = Date(timeIntervalSince1970: 1_770_200_000)

    private func pass(
        _ client: PostgresClient,
        _ source: TestGraphSource,
        options: PassOptions = PassOptions(),
        now: Date = Self.now
    ) async throws -> PassReport {
        try await client.withConnection { try await GraphPass(source, options: options).run($0, now: now) }
    }

    @Test("payments that arrived count in the score, and make their node a place of trust")
    func payments() async throws {
        try await CrawlerDatabase.with { client in
            let seconds = Int64(Self.now.timeIntervalSince1970)
            _ = try await pass(client, .top100)
            let worst = try await client.bytes("SELECT hash FROM node_scores ORDER BY score LIMIT 1")
            let best = try await client.bytes("SELECT pubkey FROM nodes ORDER BY capacity_sats DESC LIMIT 1")
            let options = PassOptions(trustedNodes: [try #require(NodeID(best))])
            #expect(try await pass(client, .top100, options: options).seeds == 1)
            let outcomes = (0..<6).map {
                Outcome(
                    target: .node(worst),
                    source: .paid,
                    stage: nil,
                    success: true,
                    weight: 3,
                    label: "payment",
                    observedAt: seconds - Int64($0) * 22_000
                )
            }
            try await EvidencePartitions.ensure(client, now: seconds)
            try await EvidenceStore(client).record(outcomes, now: seconds)
            #expect(try await pass(client, .top100, options: options).seeds == 2)
            let value =
                "SELECT (1000 * (components->>'payments')::float8)::bigint FROM node_scores WHERE components ? 'payments'"
            // Nobody else was paid, so it is pulled to one half.
            #expect((600...900).contains(try await client.number(value)))
            #expect(try await client.number("SELECT count(*) FROM node_scores WHERE components ? 'payments'") == 1)
        }
    }

    @Test("the real graph of 100 nodes is stored and scored, always the same")
    func top100() async throws {
        try await CrawlerDatabase.with { client in
            let report = try await pass(client, .top100)
            #expect(report.nodes == 96 && report.channels == 2623)
            #expect(report.changes.nodes == 96 && report.changes.channels == 2623 && report.changes.scores == 96)
            #expect(report.changes.fees == 0 && report.changes.removedChannels == 0)
            #expect(report.reading.badElements == 0)
            #expect(report.steps.map(\.step) == PassReport.Step.allCases)
            #expect(report.isSourceOwnNode == false && report.seeds == 96)
            #expect(try await client.number("SELECT count(*) FROM node_scores") == 96)
            #expect(try await client.number("SELECT count(*) FROM graph_passes WHERE NOT source_is_own") == 1)
            #expect(try await client.number("SELECT sum(capacity_sats)::bigint / 100000000 FROM channels") == 2253)
            // Every figure of every score, so that a change of any formula is seen.
            let digest = try await client.text(
                """
                SELECT md5(string_agg(encode(hash, 'hex') || score || compat_score || round(pr_percentile::numeric, 6)
                    || components || p_reach || compat_components, ',' ORDER BY hash)) FROM node_scores
                """
            )
            #expect(digest == "2bec344c3300d68e181fcb9aa89f9868")
        }
    }

    @Test("a second pass over the same graph writes nothing")
    func unchanged() async throws {
        try await CrawlerDatabase.with { client in
            _ = try await pass(client, .top100)
            let second = try await pass(client, .top100, now: Self.now + 60)
            #expect(second.changes.total == 0)
            #expect(try await client.number("SELECT count(*) FROM graph_passes") == 2)
            #expect(try await client.number("SELECT count(*) FROM node_capacity") == 96)
        }
    }

    @Test("readers of the scores are told at the commit")
    func notification() async throws {
        try await CrawlerDatabase.with { client in
            var events = client.listen("scores").makeAsyncIterator()
            #expect(await events.next() == .reconnected)
            _ = try await pass(client, .top100)
            #expect(await events.next() == .notification(payload: ""))
        }
    }

    @Test("a changed fee is counted once, and a fee that became unknown is not")
    func fees() async throws {
        try await CrawlerDatabase.with { client in
            let enabled = policy(base: 1000)
            for (first, fees) in [(enabled, 0), (policy(base: 2000), 1), (disabled, 0), (policy(base: 2000), 0)] {
                let report = try await pass(client, source(edge(1, 1, 2, first, enabled)))
                #expect(report.changes.fees == fees)
            }
            let stored = "SELECT base_msat FROM channel_policies WHERE scid = 1::bigint << 40 AND dir = 0"
            #expect(try await client.number(stored) == 2000)
        }
    }

    @Test("what left the graph leaves the tables, and a node keeps its history")
    func removal() async throws {
        try await CrawlerDatabase.with { client in
            let both = [edge(1, 1, 2, policy(), policy()), edge(2, 2, 3, policy(), policy())]
            _ = try await pass(client, source(both.joined(separator: ",")))
            let report = try await pass(client, source(both[0]))
            #expect(report.changes.removedChannels == 1)
            #expect(try await client.number("SELECT count(*) FROM channel_policies") == 2)
            #expect(try await client.number("SELECT count(*) FROM node_scores") == 2)
            #expect(try await client.number("SELECT count(*) FROM nodes") == 3)
            #expect(try await client.number("SELECT count(*) FROM nodes WHERE channels = 0") == 1)
        }
    }

    @Test("first seen is the block time of the oldest channel, and never moves forward")
    func firstSeen() async throws {
        try await CrawlerDatabase.with { client in
            let newer = edge(800_000, 1, 2, policy(), policy())
            let older = edge(700_000, 1, 3, policy(), policy())
            _ = try await pass(client, source([newer, older].joined(separator: ",")))
            _ = try await pass(client, source(newer))
            let seen = "SELECT first_seen FROM nodes WHERE pubkey = '\\x\(testNode(1).hex)'"
            #expect(try await client.number(seen) == 1_231_006_505 + 700_000 * 600)
        }
    }

    @Test("paths start at our own node when the graph holds it")
    func ownNode() async throws {
        try await CrawlerDatabase.with { client in
            let edges = [edge(1, 1, 2, policy(), policy()), edge(2, 2, 3, policy(base: 7000), policy())]
            var source = source(edges.joined(separator: ","))
            source.node = testNode(1)
            let report = try await pass(client, source)
            #expect(report.isSourceOwnNode && report.source == testNode(1) && report.seeds == 1)
            let fee = """
                SELECT (p_reach -> '1000' ->> 'fee_msat')::bigint FROM node_scores JOIN nodes USING (hash)
                WHERE pubkey = '\\x\(testNode(3).hex)'
                """
            #expect(try await client.number(fee) == 7100)
            let hops = """
                SELECT (p_reach -> '1000' ->> 'hops')::bigint FROM node_scores JOIN nodes USING (hash)
                WHERE pubkey = '\\x\(testNode(3).hex)'
                """
            #expect(try await client.number(hops) == 2)
        }
    }

    @Test("trusted nodes and the fallback source are used when they are named")
    func named() async throws {
        try await CrawlerDatabase.with { client in
            let edges = [edge(1, 1, 2, policy(), policy()), edge(2, 2, 3, policy(), policy())]
            let options = PassOptions(trustedNodes: [testNode(2), testNode(99)], fallbackSource: testNode(3))
            let report = try await pass(client, source(edges.joined(separator: ",")), options: options)
            #expect(report.source == testNode(3) && !report.isSourceOwnNode && report.seeds == 1)
        }
    }

    @Test("a graph that is not synced, empty or cut writes nothing")
    func refusals() async throws {
        try await CrawlerDatabase.with { client async throws in
            var unsynced = TestGraphSource.top100
            unsynced.isSynced = false
            await #expect(throws: GraphPassError.self) { try await pass(client, unsynced) }
            await #expect(throws: GraphPassError.self) { try await pass(client, source("")) }
            let cut = TestGraphSource(content: .json("{\"nodes\":[],\"edges\":[\(edge(1, 1, 2, policy(), policy()))"))
            await #expect(throws: GraphReadError.self) { try await pass(client, cut) }
            #expect(try await client.number("SELECT count(*) FROM nodes") == 0)
        }
    }

    @Test("hostile numbers and texts reach neither the database nor the scores")
    func hostile() async throws {
        try await CrawlerDatabase.with { client in
            let absurd = policy(base: 4_294_967_295, ppm: 4_294_967_295)
            let json = """
                {"nodes":[{"pub_key":"\(testNode(1).hex)","alias":"a\\u0000\\ud800b'; DROP TABLE nodes","last_update":4294967295},
                 {"pub_key":"\(testNode(1).hex)","alias":"a\\u0000b'; DROP TABLE nodes","last_update":4294967295}],
                "edges":[\(edge(1, 1, 2, absurd, "null")),\(edge(2, 1, 3, absurd, absurd, capacity: 2_100_000_000_000_000))]}
                """
            let report = try await pass(client, TestGraphSource(content: .json(json)))
            #expect(report.channels == 2 && report.nodes == 3)
            let alias = "SELECT alias FROM nodes WHERE pubkey = '\\x\(testNode(1).hex)'"
            #expect(try await client.text(alias) == "ab'; DROP TABLE nodes")
            #expect(try await client.number("SELECT count(*) FROM node_scores WHERE score BETWEEN 0 AND 100") == 3)
        }
    }

    @Test("progress is reported for every phase and ends complete")
    func progress() async throws {
        try await CrawlerDatabase.with { client in
            let phases = Phases()
            _ = try await client.withConnection { session in
                try await GraphPass(TestGraphSource.top100).run(session, now: Self.now) { phases.add($0) }
            }
            #expect(phases.names == ["graph", "store", "score", "write"])
            #expect(phases.last.map { $0.done == $0.total } == true)
        }
    }

    private let disabled = "{\"time_lock_delta\":0,\"disabled\":true,\"last_update\":1770000000}"

    private func policy(base: Int64 = 1000, ppm: Int64 = 100) -> String {
        """
        {"time_lock_delta":40,"min_htlc":"1","fee_base_msat":"\(base)","fee_rate_milli_msat":"\(ppm)","disabled":false,\
        "max_htlc_msat":"4000000000","last_update":1770000000}
        """
    }

    private func edge(
        _ block: UInt64,
        _ a: UInt8,
        _ b: UInt8,
        _ forward: String,
        _ back: String,
        capacity: Int64 = 5_000_000
    ) -> String {
        """
        {"channel_id":"\(block << 40)","node1_pub":"\(testNode(a).hex)","node2_pub":"\(testNode(b).hex)",\
        "capacity":"\(capacity)","node1_policy":\(forward),"node2_policy":\(back)}
        """
    }

    private func source(_ edges: String) -> TestGraphSource {
        TestGraphSource(content: .json("{\"nodes\":[],\"edges\":[\(edges)]}"))
    }
}

/// Collects progress.
private final class Phases: Sendable {
    private let collected = Mutex<[PassProgress]>([])

    func add(_ progress: PassProgress) { collected.withLock { $0.append(progress) } }

    /// The phases in the order of their first report.
    var names: [String] {
        collected.withLock { all in
            all.reduce(into: []) { if !$0.contains($1.phase) { $0.append($1.phase) } }
        }
    }

    var last: PassProgress? { collected.withLock(\.last) }
}
