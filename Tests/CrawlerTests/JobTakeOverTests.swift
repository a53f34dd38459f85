// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Postgres
import PostgresTestSupport
import Subprocess
import Synchronization
import Testing

@testable import Crawler

/// A job whose process or connection dies is run by somebody else, once its first run has surely ended.
@Suite("Taking jobs over")
struct JobTakeOverTests {
    private static let locks = """
        FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """

    private static func scheduler(
        _ client: PostgresClient,
        _ owner: String,
        _ run: @escaping @Sendable () async throws -> Void
    )
        async throws -> JobScheduler
    {
        let job = Job(name: "work", interval: .seconds(3600), timeout: .seconds(600)) { _ in try await run() }
        let scheduler = JobScheduler([job], client: client, owner: owner, logger: TestDatabase.silentLogger)
        try await scheduler.register()
        return scheduler
    }

    @Test("a job whose connection dies is cancelled, and another process takes it over when it has stopped")
    func lostLock() async throws {
        try await CrawlerDatabase.with { client in
            let events = Mutex<[String]>([])
            let note: @Sendable (String) -> Void = { event in events.withLock { $0.append(event) } }
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let first = try await Self.scheduler(client, "first") {
                note("first begins")
                start.finish()
                do {
                    try await Task.sleep(for: .seconds(600))
                } catch {
                    note("first ends")
                    throw error
                }
            }
            let second = try await Self.scheduler(client, "second") { note("second runs") }
            async let firstRun: Void = first.runDueJobs()
            for await _ in started {}
            let due = try await client.text("SELECT next_run_at::text FROM jobs")
            #expect(try await client.number("SELECT count(pg_terminate_backend(pid, 30000)) \(Self.locks)") == 1)
            while events.withLock({ !$0.contains("second runs") }) { try await second.runDueJobs() }
            try await firstRun
            #expect(events.withLock { $0 } == ["first begins", "first ends", "second runs"])
            #expect(try await client.text("SELECT next_run_at::text FROM jobs") != due)
            #expect(try await client.number("SELECT count(*) FROM jobs WHERE owner IS NULL AND failures = 0") == 1)
        }
    }

    @Test("a run that lost its lock says so, and does not touch the row of its successor")
    func lostRow() async throws {
        try await CrawlerDatabase.with { client in
            let job = Job(name: "work", interval: .seconds(60), timeout: .seconds(60)) { _ in }
            let store = JobStore(client)
            try await store.register(job)
            let beginning = try await client.withConnection { try await store.begin(job, owner: "first", on: $0) }
            #expect(beginning == .begun)
            while try await client.number("SELECT count(*) \(Self.locks)") > 0 {}
            try await store.lose(job, owner: "first")
            #expect(try await client.text("SELECT last_error FROM jobs WHERE failures = 1").contains("lock was lost"))
            try await client.withConnection { session in
                #expect(try await store.begin(job, owner: "second", on: session) == .takenOver)
                try await store.succeed(job, owner: "first", jitter: 1)
                try await store.fail(job, owner: "first", error: "late", jitter: 1)
                try await store.lose(job, owner: "first")
                #expect(
                    try await client.number("SELECT count(*) FROM jobs WHERE owner = 'second' AND failures = 1") == 1
                )
            }
        }
    }

    /// Runs the probe of that name and hands over what it says.
    private static func probe(
        _ url: String,
        _ owner: String,
        _ mode: String,
        _ heard: (String, () throws -> Void) async throws -> Void
    ) async throws {
        let folder = try #require(CommandLine.arguments.first).split(separator: "/").dropLast().joined(separator: "/")
        _ = try await Subprocess.run(
            .name("JobCrashProbe"),
            arguments: [url, owner, mode],
            environment: .inherit.updating(["PATH": "/\(folder)"]),
            input: .none,
            output: .sequence,
            error: .discarded
        ) { execution in
            for try await line in execution.standardOutput.strings() {
                try await heard(line) { try execution.send(signal: .kill) }
            }
        }
    }

    @Test("after kill -9 in the middle of a job its due time stands, and the next process runs it, alone")
    func killed() async throws {
        let url = try await TestDatabase.migrated()
        try await TestDatabase.withClient(of: url) { client in
            let due = Mutex("")
            let idle = Atomic<Int>(0)
            let bystander = try await Self.scheduler(client, "bystander") { idle.add(1, ordering: .relaxed) }
            try await Self.probe(url, "first", "hang") { line, kill in
                guard line.contains("begin first") else { return }
                let time = try await client.text("SELECT next_run_at::text FROM jobs WHERE owner = 'first'")
                due.withLock { $0 = time }
                // While it lives, nobody else runs the job.
                try await bystander.runDueJobs()
                #expect(idle.load(ordering: .relaxed) == 0)
                try kill()
            }
            #expect(
                try await client.text("SELECT next_run_at::text FROM jobs WHERE owner = 'first'") == due.withLock { $0 }
            )
            let said = Mutex<[String]>([])
            try await Self.probe(url, "second", "finish") { line, _ in
                said.withLock { $0.append(contentsOf: line.split(separator: "\n").map(String.init)) }
            }
            #expect(said.withLock { $0 } == ["begin second", "end second"])
            let next = """
                SELECT count(*) FROM jobs WHERE owner IS NULL AND failures = 0 AND last_ok_at IS NOT NULL
                    AND next_run_at > now() + interval '50 minutes'
                """
            #expect(try await client.number(next) == 1)
            // Nor does a restart make it due again.
            let later = try await Self.scheduler(client, "third") { idle.add(1, ordering: .relaxed) }
            try await later.runDueJobs()
            #expect(idle.load(ordering: .relaxed) == 0)
        }
    }
}
