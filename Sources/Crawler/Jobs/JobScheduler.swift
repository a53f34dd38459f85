// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackgroundWork
internal import Deadlines
public import Logging
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// Starts jobs when they are due.
///
/// A job is due at once when it is new, keeps its due time over restarts, never overlaps itself in any process (a
/// PostgreSQL advisory lock), is cancelled when it takes too long or its lock is lost, and waits longer after every
/// failure. No job waits for another.
public final class JobScheduler: Service, Sendable {
    private let jobs: [Job]
    private let client: PostgresClient
    private let store: JobStore
    private let owner: String
    private let takeOverDelay: Duration
    private let executor: BackgroundExecutor
    private let logger: Logger
    private let metrics = JobMetrics()
    /// Jobs that run in this process.
    private let running = Mutex<Set<String>>([])
    private let lastLook = Mutex(ContinuousClock.now)

    /// - Parameters:
    ///   - jobs: no two with the same name.
    ///   - client: lends one session to every job that runs.
    ///   - owner: names this process in the table, such as host and process number; no two have the same name.
    ///   - takeOverDelay: what a run without an end is given before it is taken over: one that has lost its lock needs a
    ///     moment to notice and to stop.
    public init(
        _ jobs: [Job],
        client: PostgresClient,
        owner: String,
        takeOverDelay: Duration = .seconds(2),
        logger: Logger
    ) {
        self.jobs = jobs
        self.client = client
        self.owner = owner
        self.takeOverDelay = takeOverDelay
        self.logger = logger
        store = JobStore(client)
        executor = BackgroundExecutor(label: "jobs")
    }

    /// How long ago the scheduler last looked for due jobs; more than a few seconds means that it is stuck.
    public var lookAge: Duration { lastLook.withLock { ContinuousClock.now - $0 } }

    /// Looks once a second for jobs that are due, until graceful shutdown, which cancels those that run.
    public func run() async throws {
        try await cancelWhenGracefulShutdown { try await self.loop() }
    }

    private func loop() async throws {
        await withDiscardingTaskGroup { group in
            var isRegistered = false
            while !Task.isCancelled {
                do {
                    if !isRegistered { try await register() }
                    isRegistered = true
                    lastLook.withLock { $0 = .now }
                    for job in try await dueJobs() {
                        group.addTask(executorPreference: self.executor) { await self.perform(job) }
                    }
                } catch {
                    logger.warning("cannot look for jobs", metadata: ["error": "\(error)"])
                }
                // Ends early only by cancellation, which the loop's condition sees.
                try? await Task.sleep(for: .seconds(1))
            }
            group.cancelAll()
        }
    }

    /// Makes the rows of the jobs.
    public func register() async throws {
        for job in jobs { try await store.register(job) }
    }

    /// Runs the jobs that are due now and waits for them: one tick of ``run()``.
    public func runDueJobs() async throws {
        let due = try await dueJobs()
        await withDiscardingTaskGroup { group in
            for job in due { group.addTask(executorPreference: self.executor) { await self.perform(job) } }
        }
    }

    /// The jobs that are due and do not run in this process; they are marked as running.
    private func dueJobs() async throws -> [Job] {
        let rows = try await store.rows(of: jobs.map(\.name))
        return jobs.filter { job in
            guard let row = rows.first(where: { $0.name == job.name }) else { return false }
            let isRunning = running.withLock { $0.contains(job.name) }
            metrics.seen(row, of: job)
            return row.isDue && !isRunning && job.mayRun() && running.withLock { $0.insert(job.name).inserted }
        }
    }

    /// Runs a job once, unless another process does, and notes how it ended.
    private func perform(_ job: Job) async {
        defer { _ = running.withLock { $0.remove(job.name) } }
        let clock = ContinuousClock()
        let start = clock.now
        var logger = logger
        logger[metadataKey: "job.name"] = "\(job.name)"
        do {
            guard try await attempt(job, logger) else { return }
            metrics.finished(job, .ok, after: clock.now - start)
            logger.info("job done", metadata: ["job.duration": "\(clock.now - start)"])
        } catch {
            guard !Task.isCancelled else { return }
            let isTimeout = error is DeadlineExceeded
            metrics.finished(job, isTimeout ? .timeout : .error, after: clock.now - start)
            let text = isTimeout ? "took longer than \(job.timeout)" : "\(error)"
            logger.error("job failed", metadata: ["error": "\(text)"])
            if isTimeout { try? await store.fail(job, owner: owner, error: text, jitter: Self.jitter) }
        }
    }

    /// Runs a job under its lock; the outcome is noted before the lock is given back.
    ///
    /// - Returns: whether the job ran; `false` when another process has it.
    private func attempt(_ job: Job, _ logger: Logger) async throws -> Bool {
        try await withDeadline(job.timeout) { [client, store, owner, takeOverDelay] in
            try await client.withConnection { session in
                switch try await store.begin(job, owner: owner, on: session) {
                case .refused: return false
                case .begun: break
                case .takenOver: try await Task.sleep(for: takeOverDelay)
                }
                do {
                    try await Self.run(job, Job.Context(session: session, logger: logger))
                    try await store.succeed(job, owner: owner, jitter: Self.jitter)
                } catch let error as JobLockLost {
                    try await store.lose(job, owner: owner)
                    throw error
                } catch {
                    // A cancelled run has no outcome of its own: it took too long, or the process ends.
                    guard !Task.isCancelled else { throw error }
                    try await store.fail(job, owner: owner, error: "\(error)", jitter: Self.jitter)
                    try? await store.unlock(job, on: session)
                    throw error
                }
                try await store.unlock(job, on: session)
                return true
            }
        }
    }

    /// Runs a job, and cancels it when the session that holds its lock ends.
    ///
    /// - Throws: ``JobLockLost`` once such a job has stopped; what the job throws.
    private static func run(_ job: Job, _ context: Job.Context) async throws {
        let work = Task { try await job.run(context) }
        let watch = Task {
            try await context.session.waitUntilEnded()
            work.cancel()
            return true
        }
        let outcome = await withTaskCancellationHandler {
            await work.result
        } onCancel: {
            work.cancel()
        }
        watch.cancel()
        let isLost = (try? await watch.value) == true && !Task.isCancelled
        // An error of the job's own, such as a statement that took too long and ended the session, says more.
        if isLost, outcome.isUnexplained { throw JobLockLost() }
        try outcome.get()
    }

    /// Spreads the runs of several processes.
    private static var jitter: Double { Double.random(in: 0.95...1.05) }
}

extension Result<Void, any Error> {
    /// Whether there is no reason but cancellation, if any.
    fileprivate var isUnexplained: Bool {
        guard case .failure(let error) = self else { return true }
        return error is CancellationError || (error as? PostgresError)?.code == .cancelled
    }
}
