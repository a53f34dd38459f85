// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningGraph
import LightningPrimitives
import Postgres
import PostgresTestSupport
import Synchronization
import Testing

@testable import Crawler

@Suite("Live graph")
struct LiveGraphTests {
    private static let now = Date(timeIntervalSince1970: 1_770_200_000)

    /// Every figure that changes of the graph may change.
    private static let digest = """
        SELECT md5(string_agg(line, chr(10) ORDER BY line)) FROM (
            SELECT encode(hash, 'hex') || score || compat_score || pr_percentile || components || p_reach
                || compat_components AS line FROM node_scores
            UNION ALL SELECT encode(pubkey, 'hex') || alias || channels || ' ' || capacity_sats || ' ' || peers || ' '
                || disabled || ' ' || oldest_block FROM nodes WHERE channels > 0
            UNION ALL SELECT scid || encode(node1, 'hex') || encode(node2, 'hex') || capacity_sats FROM channels
            UNION ALL SELECT scid || ' ' || dir || ' ' || coalesce(base_msat, -1) || ' ' || coalesce(ppm, -1) || ' '
                || disabled || ' ' || last_update FROM channel_policies
            UNION ALL SELECT scid || ' ' || dir || ' ' || base_msat || ' ' || ppm FROM fee_changes
        ) lines
        """

    @Test("scores after random changes are those of reading the final graph", arguments: [1, 2, 3])
    func sameAsResync(seed: UInt64) async throws {
        let network = RandomNetwork(seed: seed)
        let followed = try await CrawlerDatabase.with { client in
            let live = LiveGraph(ScriptedSource(network.base))
            _ = try await client.withConnection { try await live.resync($0, now: Self.now) }
            for batch in network.batches {
                for line in batch { await live.apply(line: Array(line.utf8), now: Self.now) }
                let report = try await client.withConnection { try await live.rescore($0, now: Self.now) }
                #expect(report?.isFull == false && (report?.changes.total ?? 0) > 0)
            }
            return try await client.text(Self.digest)
        }
        let read = try await CrawlerDatabase.with { client in
            for answer in [network.base, network.final] {
                let live = LiveGraph(ScriptedSource(answer))
                _ = try await client.withConnection { try await live.resync($0, now: Self.now) }
            }
            return try await client.text(Self.digest)
        }
        #expect(followed == read)
    }

    @Test("a pass over no change writes nothing, and a line of nonsense changes nothing")
    func nothing() async throws {
        try await CrawlerDatabase.with { client in
            let live = LiveGraph(ScriptedSource(RandomNetwork(seed: 4).base))
            _ = try await client.withConnection { try await live.resync($0, now: Self.now) }
            for line in ["", "null", "{}", "{\"result\":null}", "{\"result\":{\"channel_updates\":[{}]}}"] {
                await live.apply(line: Array(line.utf8), now: Self.now)
            }
            let report = try await client.withConnection { try await live.rescore($0, now: Self.now) }
            #expect(report?.changes.total == 0)
            #expect(try await client.number("SELECT count(*) FROM graph_passes") == 1)
        }
    }

    @Test("changes whose pass failed are written by the next one")
    func failedPass() async throws {
        try await CrawlerDatabase.with { client in
            let network = RandomNetwork(seed: 5)
            let live = LiveGraph(ScriptedSource(network.base))
            _ = try await client.withConnection { try await live.resync($0, now: Self.now) }
            for line in network.batches[0] { await live.apply(line: Array(line.utf8), now: Self.now) }
            try await client.withConnection { session in
                try await session.script("ALTER TABLE node_scores RENAME TO hidden")
                var hasFailed = false
                do { _ = try await live.rescore(session, now: Self.now) } catch is PostgresError { hasFailed = true }
                #expect(hasFailed)
                try await session.script("ALTER TABLE hidden RENAME TO node_scores")
            }
            let report = try await client.withConnection { try await live.rescore($0, now: Self.now) }
            #expect((report?.changes.policies ?? 0) > 0)
        }
    }

    @Test("of two crawlers one follows, reads the graph at once and scores a change; then the other takes over")
    func following() async throws {
        try await CrawlerDatabase.with { client async throws in
            let network = RandomNetwork(seed: 6)
            let sources = [ScriptedSource(network.base), ScriptedSource(network.base)]
            let crawlers = sources.map { source in Task { try await Self.crawl(source, client) } }
            defer { for crawler in crawlers { crawler.cancel() } }
            var scores = client.listen("scores").makeAsyncIterator()
            #expect(await scores.next() == .reconnected)
            _ = await scores.next()
            #expect(try await client.number("SELECT count(*) FROM graph_passes") == 1)
            // Whoever follows, its source tells.
            for source in sources { for line in network.batches[0] { source.tell(line) } }
            _ = await scores.next()
            #expect(try await client.number("SELECT count(*) FROM fee_changes") > 0)
            let first = sources[0].readings > 0 ? 0 : 1
            #expect(sources[1 - first].readings == 0)
            crawlers[first].cancel()
            _ = await scores.next()
            #expect(sources[1 - first].readings == 1)
        }
    }

    /// Runs a crawler until it is cancelled.
    private static func crawl(_ source: ScriptedSource, _ client: PostgresClient) async throws {
        var options = FollowOptions()
        options.window = .zero
        options.spacing = .zero
        options.heartbeat = .milliseconds(50)
        let logger = TestDatabase.silentLogger
        let live = LiveGraph(source)
        let follower = GraphFollower(live, source: source, client: client, options: options, logger: logger)
        let resync = Job.graphResync(live, follower: follower)
        let scheduler = JobScheduler([resync], client: client, owner: "test", logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follower.run() }
            group.addTask { try await scheduler.run() }
            try await group.waitForAll()
        }
    }
}

/// A graph answer and changes of it, drawn at random.
private struct RandomNetwork {
    let base: String
    /// Lines of the subscription, in three batches; each direction changes its fee at most once.
    let batches: [[String]]
    let final: String

    private struct Edge {
        let id: UInt64
        let ends: (UInt8, UInt8)
        let capacity: Int
        var policies: [(base: Int, disabled: Bool, at: Int)]
    }

    init(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func draw(_ count: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(count))
        }
        func edge(_ number: Int) -> Edge {
            let a = draw(29) + 1
            let b = (a + draw(28)) % 29 + 1
            let ends = (UInt8(min(a, b)), UInt8(max(a, b)))
            return Edge(
                id: UInt64(600_000 + number * 1000) << 40,
                ends: a == b ? (1, 30) : ends,
                capacity: 100_000 + draw(50_000_000),
                policies: (0..<2).map { _ in (draw(5000), draw(8) == 0, 1_770_000_000 + draw(1000)) }
            )
        }
        var edges = (0..<80).map(edge)
        base = Self.answer(edges)
        var batches: [[String]] = []
        for batch in 0..<3 {
            var lines: [String] = []
            for index in edges.indices where index % 3 == batch && index < 60 {
                let direction = draw(2)
                edges[index].policies[direction] = (draw(5000), draw(4) == 0, 1_770_002_000)
                lines.append(Self.line(Self.update(edges[index], direction)))
            }
            let added = edge(100 + batch)
            edges.append(added)
            lines += [Self.line(Self.update(added, 0)), Self.line(Self.update(added, 1))]
            let closed = edges.remove(at: 60 + draw(15))
            lines.append("{\"result\":{\"closed_chans\":[{\"chan_id\":\"\(closed.id)\"}]}}")
            batches.append(lines)
        }
        self.batches = batches
        final = Self.answer(edges)
    }

    private static func policy(_ policy: (base: Int, disabled: Bool, at: Int)) -> String {
        """
        {"time_lock_delta":40,"min_htlc":"1","fee_base_msat":"\(policy.base)","fee_rate_milli_msat":"100",\
        "disabled":\(policy.disabled),"max_htlc_msat":"4000000000","last_update":\(policy.at)}
        """
    }

    private static func answer(_ edges: [Edge]) -> String {
        let texts = edges.map { edge in
            """
            {"channel_id":"\(edge.id)","node1_pub":"\(testNode(edge.ends.0).hex)",\
            "node2_pub":"\(testNode(edge.ends.1).hex)","capacity":"\(edge.capacity)",\
            "node1_policy":\(policy(edge.policies[0])),"node2_policy":\(policy(edge.policies[1]))}
            """
        }
        return "{\"nodes\":[],\"edges\":[\(texts.joined(separator: ","))]}"
    }

    private static func update(_ edge: Edge, _ direction: Int) -> String {
        let ends = direction == 0 ? edge.ends : (edge.ends.1, edge.ends.0)
        return """
            {"chan_id":"\(edge.id)","capacity":"\(edge.capacity)","routing_policy":\(policy(edge.policies[direction])),\
            "advertising_node":"\(testNode(ends.0).hex)","connecting_node":"\(testNode(ends.1).hex)"}
            """
    }

    private static func line(_ update: String) -> String { "{\"result\":{\"channel_updates\":[\(update)]}}" }
}

/// A graph from a text, and a stream that says what it is told to.
private final class ScriptedSource: GraphUpdateSource {
    private let answer: String
    private let lines: AsyncStream<String>
    private let feed: AsyncStream<String>.Continuation
    private let count = Mutex(0)

    init(_ answer: String) {
        self.answer = answer
        (lines, feed) = AsyncStream.makeStream()
    }

    /// How often the whole graph was read.
    var readings: Int { count.withLock(\.self) }

    func tell(_ line: String) { feed.yield(line) }

    func status() async throws -> GraphSourceStatus { GraphSourceStatus(node: testNode(250), isSyncedToGraph: true) }

    func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws {
        try Array(answer.utf8).withUnsafeBytes(take)
        count.withLock { $0 += 1 }
    }

    func readUpdates(_ take: ([UInt8]) async -> Void) async throws {
        for await line in lines { await take(Array(line.utf8)) }
    }
}
