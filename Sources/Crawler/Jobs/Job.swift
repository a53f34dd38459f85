// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import Postgres

/// Recurring work.
public struct Job: Sendable {
    /// What a run of a job may use.
    public struct Context: Sendable {
        /// A connection of the run's own, which also holds the job's lock: no other run exists anywhere.
        public let session: PostgresSession
        public let logger: Logger
    }

    /// The name in the table `jobs`, in metrics and in the lock.
    public let name: String
    /// From the end of one good run to the start of the next, give or take 5 %.
    public let interval: Duration
    /// A run that takes longer is cancelled and has failed.
    public let timeout: Duration
    /// Gauges that show how many seconds ago the job last succeeded.
    public let ageGauges: [String]
    /// Whether this process may run it now.
    let mayRun: @Sendable () -> Bool
    let run: @Sendable (Context) async throws -> Void

    /// Describes a job.
    ///
    /// - Parameter mayRun: asked at every tick at which the job is due; another process may run it meanwhile.
    /// - Precondition: interval and timeout are whole seconds, at least 1.
    public init(
        name: String,
        interval: Duration,
        timeout: Duration,
        ageGauges: [String] = [],
        mayRun: @escaping @Sendable () -> Bool = { true },
        run: @escaping @Sendable (Context) async throws -> Void
    ) {
        precondition(interval >= .seconds(1) && timeout >= .seconds(1), "jobs are timed in seconds")
        self.name = name
        self.interval = interval
        self.timeout = timeout
        self.ageGauges = ageGauges
        self.mayRun = mayRun
        self.run = run
    }
}
