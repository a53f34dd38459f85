// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Postgres
import PostgresTestSupport
import Synchronization
import Testing

@testable import Crawler

@Suite("Job scheduler")
struct JobSchedulerTests {
    private struct Broken: Error, CustomStringConvertible { let description = "broken on purpose" }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)
        var count: Int { value.load(ordering: .relaxed) }
        func increment() { value.add(1, ordering: .relaxed) }
    }

    private func scheduler(_ client: PostgresClient, _ jobs: Job..., owner: String = "test") async throws
        -> JobScheduler
    {
        let scheduler = JobScheduler(
            jobs,
            client: client,
            owner: owner,
            takeOverDelay: .zero,
            logger: TestDatabase.silentLogger
        )
        try await scheduler.register()
        return scheduler
    }

    private func job(
        interval: Duration = .seconds(3600),
        timeout: Duration = .seconds(60),
        _ run: @escaping @Sendable () async throws -> Void
    ) -> Job {
        Job(name: "work", interval: interval, timeout: timeout) { _ in try await run() }
    }

    /// Seconds until the job is due, rounded.
    private func wait(_ client: PostgresClient) async throws -> Int64 {
        try await client.number("SELECT round(extract(epoch FROM next_run_at - now()))::bigint FROM jobs")
    }

    private func makeDue(_ client: PostgresClient) async throws {
        try await client.execute(Statement("due", "UPDATE jobs SET next_run_at = now()"))
    }

    @Test("a new job runs at once, and then not before its interval is over")
    func firstRun() async throws {
        try await CrawlerDatabase.with { client in
            let runs = Counter()
            let scheduler = try await scheduler(client, job { runs.increment() })
            try await scheduler.runDueJobs()
            try await scheduler.runDueJobs()
            #expect(runs.count == 1)
            #expect((3420...3780).contains(try await wait(client)))
            #expect(
                try await client.number("SELECT count(*) FROM jobs WHERE last_ok_at IS NOT NULL AND failures = 0") == 1
            )
            #expect(try await client.number("SELECT count(*) FROM jobs WHERE running_since IS NULL") == 1)
        }
    }

    @Test("a due time survives a restart, and a shorter interval takes effect")
    func restart() async throws {
        try await CrawlerDatabase.with { client in
            let runs = Counter()
            try await scheduler(client, job { runs.increment() }).runDueJobs()
            try await scheduler(client, job { runs.increment() }, owner: "next").runDueJobs()
            #expect(runs.count == 1)
            _ = try await scheduler(client, job(interval: .seconds(60)) { runs.increment() })
            #expect(try await wait(client) <= 60)
        }
    }

    @Test("each failure in a row doubles the wait, up to the interval, and a success forgets them")
    func backOff() async throws {
        try await CrawlerDatabase.with { client in
            let attempts = Counter()
            let failing = job(interval: .seconds(100)) {
                attempts.increment()
                if attempts.count < 5 { throw Broken() }
            }
            let scheduler = try await scheduler(client, failing)
            for expected in [30, 60, 100, 100] as [Double] {
                try await makeDue(client)
                try await scheduler.runDueJobs()
                #expect(abs(Double(try await wait(client)) - expected) <= expected * 0.05 + 1)
            }
            #expect(try await client.text("SELECT last_error FROM jobs") == "broken on purpose")
            try await makeDue(client)
            try await scheduler.runDueJobs()
            #expect(try await client.number("SELECT failures FROM jobs WHERE last_error IS NULL") == 0)
        }
    }

    @Test("a job that runs in one process does not start in another")
    func noOverlap() async throws {
        try await CrawlerDatabase.with { client in
            let runs = Counter()
            let (started, startedContinuation) = AsyncStream.makeStream(of: Void.self)
            let (release, releaseContinuation) = AsyncStream.makeStream(of: Void.self)
            let first = try await scheduler(
                client,
                job {
                    runs.increment()
                    startedContinuation.finish()
                    for await _ in release {}
                }
            )
            async let firstRun: Void = first.runDueJobs()
            for await _ in started {}
            let second = try await scheduler(client, job { runs.increment() }, owner: "second")
            try await second.runDueJobs()
            try await first.runDueJobs()
            #expect(runs.count == 1)
            #expect(try await client.text("SELECT owner FROM jobs WHERE running_since IS NOT NULL") == "test")
            releaseContinuation.finish()
            try await firstRun
        }
    }

    @Test("a job whose process dies keeps its due time, and is taken over once the process is gone, not before")
    func takeOver() async throws {
        try await CrawlerDatabase.with { client in
            let runs = Counter()
            let job = job { runs.increment() }
            let next = try await scheduler(client, job, owner: "next")
            let due = try await client.text("SELECT next_run_at::text FROM jobs")
            try await client.withConnection { session in
                #expect(try await JobStore(client).begin(job, owner: "dead", on: session) == .begun)
                try await next.runDueJobs()
                #expect(runs.count == 0)
                // What is left of a killed process is a connection that ends in the middle of the job.
                let pid = Statement("pid", "SELECT pg_backend_pid()::bigint")
                let number = try #require(await session.query(pid).first).int8(0)
                #expect(try await client.number("SELECT pg_terminate_backend(\(number), 30000)::integer::bigint") == 1)
            }
            #expect(try await client.text("SELECT next_run_at::text FROM jobs WHERE owner = 'dead'") == due)
            try await next.runDueJobs()
            #expect(runs.count == 1)
            #expect(try await client.number("SELECT count(*) FROM jobs WHERE owner IS NULL AND failures = 0") == 1)
        }
    }

    @Test("a job that takes too long is cancelled and has failed")
    func timeout() async throws {
        try await CrawlerDatabase.with { client in
            let slow = job(timeout: .seconds(1)) { try await Task.sleep(for: .seconds(600)) }
            try await scheduler(client, slow).runDueJobs()
            #expect(try await client.number("SELECT failures FROM jobs WHERE last_error LIKE 'took longer%'") == 1)
        }
    }

    @Test("one job's failure does not touch another, and both run in one tick")
    func independence() async throws {
        try await CrawlerDatabase.with { client in
            let runs = Counter()
            let good = Job(name: "good", interval: .seconds(60), timeout: .seconds(60)) { _ in runs.increment() }
            let bad = Job(name: "bad", interval: .seconds(60), timeout: .seconds(60)) { _ in throw Broken() }
            try await scheduler(client, bad, good).runDueJobs()
            #expect(runs.count == 1)
            #expect(try await client.number("SELECT sum(failures)::bigint FROM jobs") == 1)
        }
    }

    @Test("a job that another process is meant for is left to it")
    func mayNotRun() async throws {
        try await CrawlerDatabase.with { client in
            let runs = Counter()
            func job(_ mayRun: Bool) -> Job {
                Job(name: "work", interval: .seconds(60), timeout: .seconds(60), mayRun: { mayRun }) { _ in
                    runs.increment()
                }
            }
            try await scheduler(client, job(false)).runDueJobs()
            #expect(runs.count == 0)
            try await scheduler(client, job(true), owner: "other").runDueJobs()
            #expect(runs.count == 1)
        }
    }

    @Test("the sweep marks what nobody heard of for 90 days")
    func standardJobs() async throws {
        try await CrawlerDatabase.with { client in
            _ = try await client.withConnection { try await GraphPass(TestGraphSource.top100).run($0) }
            try await client.execute(
                Statement("age", "UPDATE nodes SET last_update = 1 WHERE pubkey = (SELECT pubkey FROM nodes LIMIT 1)")
            )
            try await client.execute(
                Statement("old", "INSERT INTO fee_changes VALUES (now() - interval '91 days', 1, 0, 1, 1)")
            )
            try await scheduler(client, .staleSweep()).runDueJobs()
            #expect(try await client.number("SELECT count(*) FROM nodes WHERE stale") == 1)
            #expect(try await client.number("SELECT count(*) FROM fee_changes") == 0)
            #expect(try await client.text("SELECT coalesce(max(last_error), '') FROM jobs") == "")
        }
    }
}
