// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackgroundWork
internal import FoundationEssentials
public import Logging
internal import Metrics
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// Keeps the scores current between two readings of the whole graph.
///
/// Of several crawlers only one does it: the one that holds an advisory lock, which the database takes back when that
/// crawler's connection dies. Whoever gets the lock has the whole graph read first, by the job `graph_resync`, which
/// runs only where the lock is.
public final class GraphFollower<Source: GraphUpdateSource>: Service, Sendable {
    private struct State {
        var isLeader = false
        var hasGraph = false
        /// Since when the stream is lost; `nil` while it is open.
        var lostAt: ContinuousClock.Instant?
        var lastPass = ContinuousClock.now
    }

    private let live: LiveGraph<Source>
    private let source: Source
    private let client: PostgresClient
    private let options: FollowOptions
    private let logger: Logger
    private let executor = BackgroundExecutor(label: "graph")
    private let finished: @Sendable (PassReport) -> Void
    private let state = Mutex(State())
    private let clock = ContinuousClock()

    private static var lock: Statement {
        Statement("graph.follow", "SELECT pg_try_advisory_lock(hashtextextended('graph follower', 0))")
    }
    private static var unlock: Statement {
        Statement("graph.unfollow", "SELECT pg_advisory_unlock(hashtextextended('graph follower', 0))")
    }
    private static var stillThere: Statement { Statement("graph.still_there", "SELECT 1") }
    /// A job that failed keeps the wait of its failures.
    private static var requestResync: Statement {
        Statement(
            "graph.request_resync",
            "UPDATE jobs SET next_run_at = least(next_run_at, now()) WHERE name = 'graph_resync' AND failures = 0"
        )
    }

    /// - Parameters:
    ///   - live: of the same source.
    ///   - client: one of its connections is held for as long as this process has the lock, another during a pass.
    ///   - finished: is told of every pass.
    public init(
        _ live: LiveGraph<Source>,
        source: Source,
        client: PostgresClient,
        options: FollowOptions = FollowOptions(),
        logger: Logger,
        finished: @escaping @Sendable (PassReport) -> Void = { _ in }
    ) {
        self.live = live
        self.source = source
        self.client = client
        self.options = options
        self.logger = logger
        self.finished = finished
    }

    /// Whether this process keeps the graph.
    public var isLeader: Bool { state.withLock { $0.isLeader } }

    /// Whether this process has read the graph since it got the lock.
    public var hasGraph: Bool { state.withLock { $0.isLeader && $0.hasGraph } }

    /// Takes note that the whole graph was read and scored.
    public func noteResync() {
        let now = clock.now
        state.withLock { state in
            state.lastPass = now
            state.hasGraph = true
        }
    }

    /// Follows until graceful shutdown or cancellation.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.client.withConnection { try await self.lead($0) }
                } catch {
                    if !Task.isCancelled {
                        self.logger.warning("the graph is not followed", metadata: ["error": "\(error)"])
                    }
                }
                try? await Task.sleep(for: self.options.heartbeat * Double.random(in: 0.8...1.2))
            }
        }
    }

    /// Follows for as long as this session has the lock.
    private func lead(_ session: PostgresSession) async throws {
        guard try await session.query(Self.lock).first?.bool(0) == true else { return }
        logger.info("this crawler follows the graph")
        state.withLock { $0.isLeader = true }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await follow(session)) } catch { outcome = .failure(error) }
        state.withLock { state in
            state.isLeader = false
            state.hasGraph = false
        }
        await live.unload()
        _ = try? await session.query(Self.unlock)
        try outcome.get()
    }

    private func follow(_ session: PostgresSession) async throws {
        if await !live.isLoaded { try await session.execute(Self.requestResync) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.readStream() }
            group.addTask(executorPreference: executor) { await self.scoreChanges() }
            group.addTask { await self.ringForTime() }
            defer { group.cancelAll() }
            // The lock is as good as its connection: when that dies, another crawler may take over.
            while !Task.isCancelled {
                _ = try await session.query(Self.stillThere)
                report()
                try await Task.sleep(for: options.heartbeat)
            }
        }
    }

    /// Reads the stream, again and again.
    private func readStream() async {
        var failures = 0
        while !Task.isCancelled {
            do {
                // An answer to this says that the source is back, long before the stream's first line could.
                _ = try await source.status()
                try await resyncAfterGap()
                state.withLock { $0.lostAt = nil }
                try await source.readUpdates { line in
                    failures = 0
                    await self.live.apply(line: line)
                }
            } catch is GraphUpdatesUnsupported {
                logger.error("this node does not tell what changes; the whole graph is read every hour instead")
                await resyncHourly()
                return
            } catch {
                guard !Task.isCancelled else { return }
                logger.warning("the graph's stream is lost", metadata: ["error": "\(error)"])
            }
            let now = clock.now
            state.withLock { $0.lostAt = $0.lostAt ?? now }
            let longest = Double(min(30, 1 << min(failures, 5)))
            failures += 1
            try? await Task.sleep(for: .seconds(longest * .random(in: 0.5...1)))
        }
    }

    private func resyncAfterGap() async throws {
        guard let lostAt = state.withLock({ $0.lostAt }), clock.now - lostAt > options.longestGap else { return }
        logger.info("the graph's stream was lost for long; the whole graph will be read")
        try await client.execute(Self.requestResync)
    }

    private func resyncHourly() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(3600))
            _ = try? await client.execute(Self.requestResync)
        }
    }

    /// Scores what has changed, with a pause after every pass.
    private func scoreChanges() async {
        for await _ in live.rings {
            do {
                try await Task.sleep(for: options.window)
                // Changes that came during a pass and its pause have waited long enough.
                repeat { try await scoreOnce() } while await live.hasChanged
            } catch {
                guard !Task.isCancelled else { return }
                Counter(label: "graph_rescore_errors_total").increment()
                logger.error("the graph was not scored", metadata: ["error": "\(error)"])
                // The changes are kept, so the next ring need not wait for another one.
                try? await Task.sleep(for: .seconds(10))
                await live.ring()
            }
        }
    }

    private func scoreOnce() async throws {
        let start = clock.now
        let report = try await client.withConnection { try await live.rescore($0) }
        if let report {
            noteResync()
            finished(report)
        }
        try await Task.sleep(for: options.pause(after: clock.now - start))
    }

    private func ringForTime() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: options.longestPause / 10)
            let last = state.withLock { $0.lastPass }
            if clock.now - last > options.longestPause { await live.ring() }
        }
    }

    /// How old the scores are, and how long ago the graph is known to have been current.
    private func report() {
        let now = clock.now
        let state = state.withLock { $0 }
        let contact = state.lostAt ?? now
        Gauge(label: "scoring_age_seconds").record((now - state.lastPass) / .seconds(1))
        Gauge(label: "graph_sync_age_seconds").record((now - contact) / .seconds(1))
    }
}
