// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import LightningGraph
import Logging
import Postgres

/// How long a change of the graph takes to be seen in the database, on a clock: from the line of the subscription to
/// the crawler's notification, with the changed fee in its row.
struct Following {
    private let client: PostgresClient
    private let source: FollowedSource
    private let graph: ChannelGraph
    private let logger: Logger

    init(_ client: PostgresClient, graph: ChannelGraph, logger: Logger) {
        self.client = client
        self.graph = graph
        self.logger = logger
        source = FollowedSource(path: TrustBenchmark.snapshot)
    }

    func measure(_ figures: inout Figures) async throws {
        let live = LiveGraph(source)
        let follower = GraphFollower(live, source: source, client: client, logger: logger)
        let resync = Job.graphResync(live, follower: follower)
        let scheduler = JobScheduler([resync], client: client, owner: "benchmark", logger: logger)
        var scores = client.listen("scores").makeAsyncIterator()
        _ = await scores.next()
        let services = [Task { try await follower.run() }, Task { try await scheduler.run() }]
        _ = await scores.next()
        var quiet: [Double] = []
        var behind: [Double] = []
        for round in 0..<5 {
            quiet.append(try await visible(10 + 3 * round, &scores))
            // The first batch starts a pass at the end of its window; the second one comes right behind its start.
            let first = ContinuousClock.now
            send(11 + 3 * round)
            try await Task.sleep(until: first + FollowOptions().window + .milliseconds(50))
            behind.append(try await visible(12 + 3 * round, &scores))
        }
        for service in services { service.cancel() }
        for service in services { _ = await service.result }
        figures.add("change seen, quiet before, worst of 5", quiet.max() ?? 0, "ms", atMost: 5000)
        figures.add("change seen, right behind another, worst of 5", behind.max() ?? 0, "ms", atMost: 5000)
    }

    private func send(_ round: Int) {
        for line in DeltaLines.make(graph, round: round, count: 1000) { source.tell(line) }
    }

    /// Sends a batch and waits until the database shows its last change.
    private func visible(
        _ round: Int,
        _ scores: inout AsyncStream<PostgresNotification>.Iterator
    ) async throws -> Double {
        let start = ContinuousClock.now
        send(round)
        let fee = Int64(100 + round)
        let seen = Statement("following.seen", "SELECT count(*) FROM channel_policies WHERE ppm = $1 AND cltv = $2")
        repeat {
            _ = await scores.next()
        } while try await client.query(
            seen,
            [.int8(fee), .int8(Int64(40 + round))]
        ).first?.int8(0) ?? 0 < 1000
        let duration = milliseconds(ContinuousClock.now - start)
        // Quiet for the next one.
        try await Task.sleep(for: .seconds(3))
        return duration
    }
}

/// The graph's file, and updates that are told by the benchmark.
private final class FollowedSource: GraphUpdateSource {
    private let file: SnapshotSource
    private let lines: AsyncStream<[UInt8]>
    private let feed: AsyncStream<[UInt8]>.Continuation

    init(path: String) {
        file = SnapshotSource(path: path)
        (lines, feed) = AsyncStream.makeStream()
    }

    func tell(_ line: [UInt8]) { feed.yield(line) }

    func status() async throws -> GraphSourceStatus { try await file.status() }

    func readGraph(_ take: (UnsafeRawBufferPointer) throws -> Void) async throws { try await file.readGraph(take) }

    func readUpdates(_ take: ([UInt8]) async -> Void) async throws { for await line in lines { await take(line) } }
}
