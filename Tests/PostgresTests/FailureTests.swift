// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PostgresTestSupport
import Testing

@testable import Postgres

@Suite("Deadlines, losses and limits")
struct FailureTests {
    private static let one = Statement("one", "SELECT 1")
    private static let sleep = Statement("sleep", "SELECT pg_sleep($1::float8)::text")

    /// A client of one connection that nobody answers.
    private func unreachable(queueLimit: Int = 4096) -> PostgresClient {
        PostgresClient(
            PostgresConfiguration(
                connectionString: "host=/nonexistent password=hunter2 user=u dbname=d",
                connections: 1,
                queueLimit: queueLimit,
                statementDeadline: .milliseconds(200)
            ),
            logger: TestDatabase.silentLogger
        )
    }

    @Test("a statement that is not answered in time fails, and so do those behind it, but the client goes on")
    func deadline() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            let slow = Task { try await client.query(Self.sleep, [.float8(60)], deadline: .seconds(2)) }
            try await client.waitUntilSleeping()
            let behind = Task { try await client.query(Self.one) }
            while client.inFlight < 2 { await Task.yield() }
            await #expect(throws: PostgresError(.timedOut, "")) { try await slow.value }
            await #expect(throws: PostgresError(.connectionLost(retrySafe: false), "")) { try await behind.value }
            #expect(try await client.query(Self.one)[0].int4(0) == 1)
        }
    }

    @Test("a server that ends a connection makes the statement under way fail and those behind it safe to repeat")
    func terminated() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            let pid = try await client.query(Statement("pid", "SELECT pg_backend_pid()"))[0].int4(0)
            try await client.execute(Statement("create", "CREATE TABLE t (id int8)"))
            let first = Task { try await client.query(Self.sleep, [.float8(60)]) }
            try await client.waitUntilSleeping()
            let second = Task { try await client.execute(Statement("insert", "INSERT INTO t VALUES (1)")) }
            while client.inFlight < 2 { await Task.yield() }
            try await client.withConnection { session in
                _ = try await session.query(Statement("end", "SELECT pg_terminate_backend($1)"), [.int4(pid)])
            }
            let lost = await #expect(throws: PostgresError.self) { try await first.value }
            #expect(lost?.sqlState == "57P01")
            #expect(lost?.isRetryable == true)
            let behind = await #expect(throws: PostgresError.self) { try await second.value }
            #expect(behind?.code == .connectionLost(retrySafe: true))
            #expect(try await client.query(Statement("count", "SELECT count(*) FROM t"))[0].int8(0) == 0)
        }
    }

    @Test("without a server, statements fail at their deadline with the reason and without the password")
    func unavailable() async {
        let client = unreachable()
        let error = await #expect(throws: PostgresError.self) { try await client.query(Self.one) }
        #expect(error?.code == .unavailable)
        #expect(error?.isRetryable == true)
        #expect(error?.detail.contains("/nonexistent") == true)
        #expect(error.map { "\($0)".contains("hunter2") } == false)
        await client.shutDown()
    }

    @Test("when as many statements wait as may, the next one fails at once")
    func overloaded() async {
        let client = unreachable(queueLimit: 3)
        let codes = await withTaskGroup(of: PostgresError.Code?.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do throws(PostgresError) {
                        _ = try await client.query(Self.one)
                        return nil
                    } catch { return error.code }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.count { $0 == .unavailable } == 3)
        #expect(codes.count { $0 == .overloaded } == 2)
        await client.shutDown()
    }

    @Test("a statement whose task is cancelled while it waits is never run")
    func cancelledWhileWaiting() async throws {
        let url = try await TestDatabase.empty()
        let client = PostgresClient(
            PostgresConfiguration(connectionString: url, connections: 1, depth: 1, statementDeadline: .seconds(30)),
            logger: TestDatabase.silentLogger
        )
        try await client.execute(Statement("create", "CREATE TABLE t (id int8)"))
        let blocker = Task { try await client.query(Self.sleep, [.float8(0.3)]) }
        try await client.waitUntilSleeping()
        let waiting = Task { try await client.execute(Statement("insert", "INSERT INTO t VALUES (1)")) }
        waiting.cancel()
        await #expect(throws: PostgresError(.cancelled, "")) { try await waiting.value }
        _ = try await blocker.value
        #expect(try await client.query(Statement("count", "SELECT count(*) FROM t"))[0].int8(0) == 0)
        await client.shutDown()
    }

    @Test("a connection string that libpq cannot read is reported without being shown")
    func invalidConnectionString() async {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: "postgres//user:hunter2@host"),
            logger: TestDatabase.silentLogger
        )
        let error = await #expect(throws: PostgresError.self) { try await client.query(Self.one) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error.map { "\($0)".contains("hunter2") } == false)
    }

    @Test("a configuration shows neither its connection string nor a password")
    func configurationIsSilent() {
        let configuration = PostgresConfiguration(connectionString: "password=hunter2")
        var dumped = ""
        dump(configuration, to: &dumped)
        #expect(!dumped.contains("hunter2"))
        #expect(!"\(configuration) \(String(reflecting: configuration))".contains("hunter2"))
    }

    @Test("shutting down lets the statement under way finish and refuses the next one")
    func shutDown() async throws {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: try await TestDatabase.empty(), connections: 1),
            logger: TestDatabase.silentLogger
        )
        try await client.waitUntilReady()
        let underWay = Task { try await client.query(Self.sleep, [.float8(0.2)]) }
        try await client.waitUntilSleeping()
        await client.shutDown()
        #expect(try await underWay.value.count == 1)
        await #expect(throws: PostgresError(.closed, "")) { try await client.query(Self.one) }
        await #expect(throws: PostgresError(.closed, "")) { try await client.withConnection { _ in } }
    }

    @Test(
        "the errors that may be repeated are those without effect",
        arguments: [
            (PostgresError.Code.connectionLost(retrySafe: true), true), (.connectionLost(retrySafe: false), false),
            (.unavailable, true), (.overloaded, true), (.timedOut, false), (.cancelled, false), (.closed, false),
            (.server(sqlState: "40001"), true), (.server(sqlState: "40P01"), true), (.server(sqlState: "57P01"), true),
            (.server(sqlState: "08006"), true), (.server(sqlState: "23505"), false),
            (.server(sqlState: "57014"), false),
        ]
    )
    func retryable(code: PostgresError.Code, isRetryable: Bool) {
        #expect(PostgresError(code, "").isRetryable == isRetryable)
    }

    @Test("the pause between attempts doubles from 50 ms to 5 s and is never shorter than half a step")
    func backoff() {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        for attempt in 0..<20 {
            let step = Duration.milliseconds(min(5000, 50 << min(attempt, 10)))
            let pause = backoff.next(using: &generator)
            #expect(pause >= step / 2 && pause <= step)
        }
        backoff.reset()
        #expect(backoff.next(using: &generator) <= .milliseconds(50))
    }
}
