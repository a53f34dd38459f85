// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackgroundWork
internal import Evidence
internal import FoundationEssentials
public import Logging
internal import Metrics
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// Keeps the newest scores in memory and hands them out.
///
/// Scores are loaded when the service starts, when the crawler announces new ones (`NOTIFY scores`), after every gap in
/// the announcements, and every few minutes in any case; but never sooner than the spacing after the last load.
public final class TrustOracle: Service, Sendable {
    private let loader: SnapshotLoader
    private let client: PostgresClient
    private let refreshInterval: Duration
    private let spacing: Duration
    private let logger: Logger
    private let executor = BackgroundExecutor(label: "oracle")
    private let current = Mutex<ScoreSnapshot?>(nil)
    private let board = Mutex(CalibrationBoard.empty)
    private let catalogue = Mutex(ServiceSnapshot())
    private let loadCount = Atomic<Int>(0)

    /// Announcements that come so soon after the first are part of its burst.
    private static let gathering = Duration.milliseconds(50)

    /// - Parameters:
    ///   - refreshInterval: time between two loads that nobody asked for.
    ///   - spacing: least time from the end of one load to the start of the next. A burst of announcements after a longer
    ///     quiet is served by one load a moment after its first, those within it by one load together.
    public init(
        client: PostgresClient,
        refreshInterval: Duration = .seconds(300),
        spacing: Duration = .seconds(2),
        logger: Logger
    ) {
        self.client = client
        self.refreshInterval = refreshInterval
        self.spacing = spacing
        self.logger = logger
        loader = SnapshotLoader(client)
    }

    /// The newest scores; empty before the first load.
    public var snapshot: ScoreSnapshot { current.withLock { $0 } ?? ScoreSnapshot() }

    /// The services as of the last load.
    public var services: ServiceSnapshot { catalogue.withLock { $0 } }

    /// How what was published fared, as of the last load.
    public var calibration: CalibrationBoard { board.withLock { $0 } }

    /// Whether the scores have been loaded, so that what is missing from them does not exist.
    public var isLoaded: Bool { current.withLock { $0 != nil } }

    /// How often the scores were loaded.
    var loads: Int { loadCount.load(ordering: .relaxed) }

    /// Loads the scores now.
    ///
    /// Takes about half a second for mainnet, on a thread of its own.
    public func reload() async throws {
        let now = Int64(Date().timeIntervalSince1970)
        let snapshot = try await withTaskExecutorPreference(executor) { try await loader.load(now: now) }
        let services = ServiceSnapshot(try await ServiceLoader(client: client).load(), now: now)
        let calibrations = CalibrationStore(client)
        let board = CalibrationBoard(
            latest: try await calibrations.latest(),
            history: try await calibrations.history()
        )
        current.withLock { $0 = snapshot }
        self.board.withLock { $0 = board }
        catalogue.withLock { $0 = services }
        loadCount.add(1, ordering: .relaxed)
        for name in ["agents", "agents_total"] { Gauge(label: name).record(snapshot.totals.nodes) }
        for name in ["channels", "channels_total"] { Gauge(label: name).record(snapshot.pass?.channels ?? 0) }
    }

    /// Loads and reloads until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.loop() }
    }

    private func loop() async {
        let announcements = Announcements()
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.client.listen("scores") { announcements.note() }
            }
            group.addTask {
                while !Task.isCancelled {
                    announcements.note()
                    // Ends early only by cancellation, which the loop's condition sees.
                    try? await Task.sleep(for: self.refreshInterval)
                }
            }
            await announcements.forEachBurst(gathering: { try? await Task.sleep(for: Self.gathering) }) {
                do {
                    try await self.reload()
                } catch {
                    guard !Task.isCancelled else { return }
                    self.logger.warning("cannot load the scores", metadata: ["error": "\(error)"])
                }
                // A load takes half a second of a core. What is announced meanwhile waits, as one.
                try? await Task.sleep(for: self.spacing)
            }
            group.cancelAll()
        }
    }
}
