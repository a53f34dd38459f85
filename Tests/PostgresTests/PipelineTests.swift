// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PostgresTestSupport
import Testing

@testable import Postgres

@Suite("Pipelined statements")
struct PipelineTests {
    @Test("an error fails its own statement and none of those around it")
    func isolation() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            let divide = Statement("divide", "SELECT 100 / $1::int4")
            let outcomes = await withTaskGroup(of: (Int32, Result<Int32, any Error>).self) { group in
                for divisor in Int32(0)..<50 {
                    group.addTask {
                        do {
                            return (divisor, .success(try await client.query(divide, [.int4(divisor % 10)])[0].int4(0)))
                        } catch { return (divisor, .failure(error)) }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            for (divisor, outcome) in outcomes {
                if divisor % 10 == 0 {
                    #expect(throws: PostgresError(.server(sqlState: "22012"), "")) { try outcome.get() }
                } else {
                    let quotient = try outcome.get()
                    #expect(quotient == 100 / (divisor % 10))
                }
            }
        }
    }

    @Test("a statement that cannot be prepared fails every caller with the server's own reason")
    func unpreparable() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        await #expect(throws: PostgresError(.server(sqlState: "42P01"), "")) {
                            try await client.query(Statement("missing", "SELECT * FROM nowhere"))
                        }
                    }
                }
            }
        }
    }

    @Test("statements that somebody deallocated are prepared again")
    func deallocated() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            let one = Statement("one", "SELECT 1")
            _ = try await client.query(one)
            try await client.execute(Statement("forget", "DEALLOCATE ALL"))
            #expect(try await client.query(one)[0].int4(0) == 1)
        }
    }

    @Test("affected rows are counted, and each statement is a transaction of its own")
    func execute() async throws {
        try await TestDatabase.withEmpty { client in
            try await client.execute(Statement("create", "CREATE TABLE t (id int8 PRIMARY KEY)"))
            let insert = Statement("insert", "INSERT INTO t SELECT unnest($1::int8[])")
            #expect(try await client.execute(insert, [.int8Array([1, 2, 3])]) == 3)
            await #expect(throws: PostgresError(.server(sqlState: "23505"), "")) {
                try await client.execute(insert, [.int8Array([4, 1])])
            }
            #expect(try await client.query(Statement("count", "SELECT count(*) FROM t"))[0].int8(0) == 3)
        }
    }

    @Test("a constraint that is checked at commit fails the statement that broke it")
    func deferredConstraint() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            try await client.execute(
                Statement("create", "CREATE TABLE d (id int8 UNIQUE DEFERRABLE INITIALLY DEFERRED)")
            )
            await #expect(throws: PostgresError(.server(sqlState: "23505"), "")) {
                try await client.execute(Statement("twice", "INSERT INTO d VALUES (1), (1)"))
            }
        }
    }

    @Test("COPY through the pipeline is refused and the client recovers")
    func copyRefused() async throws {
        try await TestDatabase.withEmpty(connections: 1) { client in
            await #expect(throws: PostgresError.self) {
                try await client.execute(Statement("copy", "COPY (SELECT 1) TO STDOUT"))
            }
            let rows = try await client.query(Statement("one", "SELECT 1"))
            #expect(try rows[0].int4(0) == 1)
        }
    }

    @Test("large parameters and answers pass, many at a time")
    func large() async throws {
        try await TestDatabase.withEmpty(connections: 2) { client in
            let echo = Statement("echo", "SELECT $1::bytea")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in UInt8(0)..<32 {
                    group.addTask {
                        let bytes = [UInt8](repeating: index, count: 1 << 20)
                        let rows = try await client.query(echo, [.bytea(bytes)])
                        #expect(try rows[0].bytea(0) == bytes)
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("a client that plans once says so to every connection before its first statement")
    func plansOnce() async throws {
        let configuration = PostgresConfiguration(
            connectionString: try await TestDatabase.empty(),
            connections: 2,
            plansOnce: true
        )
        try await TestDatabase.withClient(configuration) { client in
            let mode = Statement("mode", "SELECT current_setting('plan_cache_mode')")
            for _ in 0..<8 {
                let rows = try await client.query(mode)
                #expect(try rows[0].text(0) == "force_generic_plan")
            }
        }
    }
}
