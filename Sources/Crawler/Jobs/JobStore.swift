// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Postgres

/// The session that held a job's lock has ended in the middle of the run.
struct JobLockLost: Error, CustomStringConvertible {
    var description: String { "the database connection that held the job's lock was lost" }
}

/// The table `jobs`.
///
/// All times are the database's, so that processes on several machines agree.
struct JobStore: Sendable {
    /// A row, as a tick sees it.
    struct Row: Sendable {
        let name: String
        /// Whether the due time has come.
        let isDue: Bool
        /// How far the due time lies back, at least 0; a job that runs within its time is not overdue.
        let overdueSeconds: Double
        /// Unix seconds.
        let lastSuccess: Double?
        /// Seconds since the last success.
        let age: Double?
    }

    private static let register = Statement(
        "jobs.register",
        """
        INSERT INTO jobs AS j (name, interval_s, timeout_s, next_run_at) VALUES ($1, $2, $3, now())
        ON CONFLICT (name) DO UPDATE SET interval_s = excluded.interval_s, timeout_s = excluded.timeout_s,
            next_run_at = least(j.next_run_at, now() + excluded.interval_s * interval '1 second')
        """
    )
    private static let list = Statement(
        "jobs.list",
        """
        SELECT name, next_run_at <= now(), CASE WHEN running_since > now() - timeout_s * interval '1 second' THEN 0
                ELSE greatest(0, extract(epoch FROM now() - next_run_at)) END::float8,
            extract(epoch FROM last_ok_at)::float8, extract(epoch FROM now() - last_ok_at)::float8
        FROM jobs WHERE name = ANY($1)
        """
    )
    private static let lock = Statement("jobs.lock", "SELECT pg_try_advisory_lock(hashtextextended('job ' || $1, 0))")
    private static let unlock = Statement("jobs.unlock", "SELECT pg_advisory_unlock(hashtextextended('job ' || $1, 0))")
    private static let begin = Statement(
        "jobs.begin",
        """
        UPDATE jobs SET running_since = now(), owner = $2
        FROM (SELECT owner IS NOT NULL AS was_running FROM jobs WHERE name = $1) before
        WHERE name = $1 AND next_run_at <= now() RETURNING before.was_running
        """
    )
    /// The due time stays, so that whoever looks next takes the job over.
    private static let lose = Statement(
        "jobs.lose",
        "UPDATE jobs SET last_error = $2, failures = failures + 1 WHERE name = $1 AND owner = $3"
    )
    private static let succeed = Statement(
        "jobs.succeed",
        """
        UPDATE jobs SET running_since = NULL, owner = NULL, last_ok_at = now(), last_error = NULL, failures = 0,
            next_run_at = now() + $2 * interval '1 second' WHERE name = $1 AND owner = $3
        """
    )
    private static let fail = Statement(
        "jobs.fail",
        """
        UPDATE jobs SET running_since = NULL, owner = NULL, last_error = $2, failures = failures + 1,
            next_run_at = now() + least(interval_s, 30 * 2 ^ least(failures, 20)) * $3 * interval '1 second'
        WHERE name = $1 AND owner = $4
        """
    )

    private let client: PostgresClient

    init(_ client: PostgresClient) { self.client = client }

    /// Makes or updates the row of a job; a new job is due at once, a shorter interval takes effect at once.
    func register(_ job: Job) async throws(PostgresError) {
        let values: [PostgresValue] = [
            .text(job.name), .int4(Int32(clamping: job.interval.components.seconds)),
            .int4(Int32(clamping: job.timeout.components.seconds)),
        ]
        try await client.execute(Self.register, values)
    }

    func rows(of names: [String]) async throws(PostgresError) -> [Row] {
        var rows: [Row] = []
        for row in try await client.query(Self.list, [.textArray(names)]) {
            rows.append(
                Row(
                    name: try row.text(0),
                    isDue: try row.bool(1),
                    overdueSeconds: try row.float8(2),
                    lastSuccess: try row.optionalFloat8(3),
                    age: try row.optionalFloat8(4)
                )
            )
        }
        return rows
    }

    /// What came of the wish to run a job.
    enum Beginning: Sendable {
        /// Another process runs it, or it is not due any more.
        case refused
        case begun
        /// The last run has no end: its process was killed, or has lost its lock a moment ago.
        case takenOver
    }

    /// Takes the job's lock for as long as the session lives, if nobody else runs the job and it is still due.
    func begin(_ job: Job, owner: String, on session: PostgresSession) async throws(PostgresError) -> Beginning {
        guard let row = try await session.query(Self.lock, [.text(job.name)]).first, try row.bool(0) else {
            return .refused
        }
        let begun = try await session.query(Self.begin, [.text(job.name), .text(owner)])
        guard let row = begun.first else { return .refused }
        return try row.bool(0) ? .takenOver : .begun
    }

    /// Gives the lock back before the session ends, which the server may notice late.
    func unlock(_ job: Job, on session: PostgresSession) async throws(PostgresError) {
        _ = try await session.query(Self.unlock, [.text(job.name)])
    }

    /// Notes a success, unless the job is somebody else's by now.
    ///
    /// - Parameter jitter: factor of the interval, about 1.
    func succeed(_ job: Job, owner: String, jitter: Double) async throws(PostgresError) {
        let seconds = Double(job.interval.components.seconds) * jitter
        try await client.execute(Self.succeed, [.text(job.name), .float8(seconds), .text(owner)])
    }

    /// Notes that a run has lost its lock.
    func lose(_ job: Job, owner: String) async throws(PostgresError) {
        try await client.execute(Self.lose, [.text(job.name), .text("\(JobLockLost())"), .text(owner)])
    }

    /// Notes a failure: the k-th in a row waits 30 s x 2^(k-1), at most the interval.
    func fail(_ job: Job, owner: String, error: String, jitter: Double) async throws(PostgresError) {
        // PostgreSQL's text cannot hold U+0000.
        let text = String(error.prefix(1000).filter { $0 != "\0" })
        try await client.execute(Self.fail, [.text(job.name), .text(text), .float8(jitter), .text(owner)])
    }
}
