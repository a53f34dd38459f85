// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PostgresTestSupport
import Testing

@testable import Postgres

@Suite("Sessions, COPY and notifications")
struct SessionTests {
    private struct Stop: Error {}
    private static let count = Statement("count", "SELECT count(*) FROM t")

    @Test("a transaction is kept when its body returns and undone when it throws")
    func transactions() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.execute(Statement("create", "CREATE TABLE t (id int8)"))
            let insert = Statement("insert", "INSERT INTO t VALUES ($1)")
            try await client.withConnection { session in
                try await session.transaction { _ = try await session.execute(insert, [.int8(1)]) }
                await #expect(throws: Stop.self) {
                    try await session.transaction {
                        try await session.execute(insert, [.int8(2)])
                        throw Stop()
                    }
                }
                #expect(try await session.query(Self.count)[0].int8(0) == 1)
            }
        }
    }

    @Test("a session that is left in a transaction leaves nothing behind")
    func abandonedTransaction() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.execute(Statement("create", "CREATE TABLE t (id int8)"))
            try await client.withConnection { session in
                try await session.script("BEGIN; INSERT INTO t VALUES (1)")
            }
            #expect(try await client.query(Self.count)[0].int8(0) == 0)
        }
    }

    @Test("a script runs several statements and reports the first error")
    func script() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.withConnection { session in
                try await session.script("CREATE TABLE t (id int8); INSERT INTO t VALUES (1)")
                await #expect(throws: PostgresError(.server(sqlState: "42P01"), "")) {
                    try await session.script("INSERT INTO t VALUES (2); SELECT * FROM nowhere")
                }
                #expect(try await session.query(Self.count)[0].int8(0) == 1)
            }
        }
    }

    @Test("COPY loads many rows of mixed types, NULL included")
    func copy() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.execute(
                Statement("create", "CREATE TABLE t (id int8, key bytea, name text, ratio float8, flag boolean)")
            )
            let rows = (0..<20_000).lazy.map(Self.mixedRow)
            try await client.withConnection { session in
                let sql = "COPY t (id, key, name, ratio, flag) FROM STDIN (FORMAT binary)"
                #expect(try await session.copyIn(sql, columns: 5, rows: rows) == 20_000)
                let sums = try await session.query(
                    Statement(
                        "sums",
                        "SELECT sum(id)::int8, count(name), sum(ratio), count(*) FILTER (WHERE flag) FROM t"
                    )
                )
                #expect(try sums[0].int8(0) == 199_990_000)
                #expect(try sums[0].int8(1) == 13_333)
                #expect(try sums[0].float8(2) == 99_995_000)
                #expect(try sums[0].int8(3) == 10_000)
            }
        }
    }

    private static func mixedRow(_ index: Int) -> [PostgresValue] {
        [
            .int8(Int64(index)), .bytea([UInt8](repeating: UInt8(index % 256), count: 33)),
            index % 3 == 0 ? .null : .text("row \(index)"), .float8(Double(index) / 2), .bool(index % 2 == 0),
        ]
    }

    @Test("a COPY that the server or we refuse loads nothing and leaves the session usable")
    func copyErrors() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.execute(Statement("create", "CREATE TABLE t (id int8 PRIMARY KEY)"))
            try await client.withConnection { session in
                let sql = "COPY t (id) FROM STDIN (FORMAT binary)"
                let none: [[PostgresValue]] = []
                await #expect(throws: PostgresError(.server(sqlState: "23505"), "")) {
                    try await session.copyIn(sql, columns: 1, rows: [[.int8(1)], [.int8(1)]])
                }
                await #expect(throws: PostgresError(.malformed, "")) {
                    try await session.copyIn(sql, columns: 1, rows: [[.int8(1)], [.int8(2), .int8(3)]])
                }
                await #expect(throws: PostgresError(.server(sqlState: "42P01"), "")) {
                    try await session.copyIn("COPY nowhere FROM STDIN (FORMAT binary)", columns: 1, rows: none)
                }
                let loaded = try await session.copyIn(sql, columns: 1, rows: none)
                #expect(loaded == 0)
                let rows = try await session.query(Self.count)
                #expect(try rows[0].int8(0) == 0)
            }
        }
    }

    @Test("a session statement that runs out of time is cancelled on the server")
    func sessionDeadline() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.withConnection { session in
                await #expect(throws: PostgresError(.timedOut, "")) {
                    try await session.query(Statement("sleep", "SELECT pg_sleep(600)"), deadline: .milliseconds(100))
                }
                await #expect(throws: PostgresError(.closed, "")) { try await session.query(Self.count) }
            }
            try await client.waitUntilSleeping(0)
        }
    }

    @Test("cancelling the task of a session statement cancels it on the server")
    func sessionCancellation() async throws {
        try await TestDatabase.withEmpty { client in
            let task = Task {
                try await client.withConnection { session in
                    _ = try await session.query(Statement("sleep", "SELECT pg_sleep(600)"), deadline: .seconds(900))
                }
            }
            try await client.waitUntilSleeping()
            task.cancel()
            await #expect(throws: PostgresError(.cancelled, "")) { try await task.value }
            try await client.waitUntilSleeping(0)
        }
    }

    @Test("no more sessions are lent than configured; the others wait their turn")
    func sessionLimit() async throws {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: try await TestDatabase.empty(), connections: 1, sessionLimit: 2),
            logger: TestDatabase.silentLogger
        )
        try await client.execute(Statement("create", "CREATE UNLOGGED TABLE seen (n int8)"))
        let insert = Statement(
            "seen",
            """
            INSERT INTO seen SELECT count(*) FROM pg_stat_activity, pg_sleep(0.01)
            WHERE datname = current_database() AND query LIKE 'INSERT INTO seen%' AND state = 'active'
            """
        )
        let tasks = (0..<8).map { _ in
            Task { try await client.withConnection { session in _ = try await session.execute(insert) } }
        }
        for task in tasks { try await task.value }
        let rows = try await client.query(Statement("seen.max", "SELECT max(n), count(*) FROM seen"))
        #expect(try rows[0].int8(0) <= 2)
        #expect(try rows[0].int8(1) == 8)
        await client.shutDown()
    }

    @Test("a subscriber hears that it is subscribed, then every notification in order")
    func notifications() async throws {
        try await TestDatabase.withEmpty { client in
            var events = client.listen("odd \"name\"").makeAsyncIterator()
            #expect(await events.next() == .reconnected)
            let notify = Statement("notify", "SELECT pg_notify($1, $2)::text")
            for payload in ["a", "b", ""] {
                _ = try await client.query(notify, [.text("odd \"name\""), .text(payload)])
            }
            _ = try await client.query(notify, [.text("other"), .text("not for us")])
            _ = try await client.query(notify, [.text("odd \"name\""), .text("last")])
            for payload in ["a", "b", "", "last"] {
                #expect(await events.next() == .notification(payload: payload))
            }
        }
    }

    @Test("after a lost connection a subscriber is told that it may have missed something")
    func resubscription() async throws {
        try await TestDatabase.withEmpty { client in
            var events = client.listen("score").makeAsyncIterator()
            #expect(await events.next() == .reconnected)
            _ = try await client.query(
                Statement(
                    "end",
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'LISTEN%'
                    """
                )
            )
            #expect(await events.next() == .reconnected)
            _ = try await client.query(Statement("notify", "SELECT pg_notify('score', '1')::text"))
            #expect(await events.next() == .notification(payload: "1"))
        }
    }

    @Test("a second subscriber of the same channel is served too, and streams end with the client")
    func manySubscribers() async throws {
        let url = try await TestDatabase.empty()
        let client = PostgresClient(
            PostgresConfiguration(connectionString: url, connections: 1),
            logger: TestDatabase.silentLogger
        )
        var first = client.listen("c").makeAsyncIterator()
        #expect(await first.next() == .reconnected)
        var second = client.listen("c").makeAsyncIterator()
        #expect(await second.next() == .reconnected)
        _ = try await client.query(Statement("notify", "SELECT pg_notify('c', 'x')::text"))
        #expect(await first.next() == .notification(payload: "x"))
        #expect(await second.next() == .notification(payload: "x"))
        await client.shutDown()
        #expect(await first.next() == nil)
        #expect(await second.next() == nil)
    }
}
