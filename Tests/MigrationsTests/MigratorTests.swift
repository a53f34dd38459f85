// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Postgres
import PostgresTestSupport
import Testing

@testable import Migrations

@Suite("Migrations")
struct MigratorTests {
    private static let steps = [
        Migration(id: 1, name: "first", sql: "CREATE TABLE a (x int8); CREATE TABLE b (x int8);"),
        Migration(id: 2, name: "second", sql: "ALTER TABLE a ADD COLUMN y text;"),
        Migration(id: 4, name: "fourth", sql: "INSERT INTO a VALUES (1, 'one');"),
    ]

    private func migrator(_ client: PostgresClient, _ migrations: [Migration] = steps) -> Migrator {
        Migrator(client: client, migrations: migrations, logger: TestDatabase.silentLogger)
    }

    @Test("the files of this build are numbered from 1 without gaps and can be applied to an empty database")
    func embedded() async throws {
        #expect(Migration.all.map(\.id) == Array(1...Int32(Migration.all.count)))
        #expect(Migrator.expectedVersion == Int32(Migration.all.count))
        try await TestDatabase.withEmpty { client in
            let applied = try await migrator(client, Migration.all).migrate()
            #expect(applied == Migration.all)
            #expect(try await migrator(client, Migration.all).migrate().isEmpty)
        }
    }

    @Test("every file is embedded, byte for byte")
    func embeddedText() throws {
        var directory = URL(filePath: #filePath)
        for _ in 0..<3 { directory.deleteLastPathComponent() }
        directory.append(path: "migrations")
        let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".sql") }
        #expect(files.count == Migration.all.count)
        for migration in Migration.all {
            let suffix = "\(migration.id)_\(migration.name).sql"
            let name = try #require(files.first { $0.hasSuffix(suffix) && $0.drop { $0 == "0" } == suffix })
            let text = try String(contentsOf: directory.appending(path: name), encoding: .utf8)
            #expect(migration.sql == text)
        }
    }

    @Test("from every prefix the rest is applied", arguments: 0...3)
    func prefixes(count: Int) async throws {
        try await TestDatabase.withEmpty { client in
            try await migrator(client, Array(Self.steps.prefix(count))).migrate()
            let rest = try await migrator(client).migrate()
            #expect(rest == Array(Self.steps.dropFirst(count)))
            let rows = try await client.query(Statement("a", "SELECT x, y FROM a"))
            #expect(try rows[0].text(1) == "one")
            let states = try await migrator(client).status().map(\.state)
            #expect(states.allSatisfy { if case .applied = $0 { true } else { false } })
        }
    }

    @Test("a step with a lower number that came later is applied too")
    func lateArrival() async throws {
        try await TestDatabase.withEmpty { client in
            try await migrator(client).migrate()
            let late = Migration(id: 3, name: "third", sql: "CREATE TABLE c (x int8)")
            let applied = try await migrator(client, Self.steps + [late]).migrate()
            #expect(applied == [late])
        }
    }

    @Test("a step whose text has changed is refused and nothing is applied")
    func drift() async throws {
        try await TestDatabase.withEmpty { client in
            try await migrator(client, Array(Self.steps.prefix(1))).migrate()
            var changed = Self.steps
            changed[0] = Migration(id: 1, name: "first", sql: Self.steps[0].sql + " ")
            await #expect(throws: MigrationError(.drift, "")) { try await migrator(client, changed).migrate() }
            await #expect(throws: MigrationError(.drift, "")) {
                try await migrator(client, changed).waitUntilMigrated(timeout: .seconds(5))
            }
            let states = try await migrator(client, changed).status().map(\.state)
            #expect(states.dropFirst() == [.pending, .pending])
            if case .drifted = states[0] {} else { Issue.record("expected drift, found \(states[0])") }
        }
    }

    @Test("a database of a newer build is refused unless that is allowed")
    func newer() async throws {
        try await TestDatabase.withEmpty { client in
            try await migrator(client).migrate()
            let older = migrator(client, Array(Self.steps.prefix(2)))
            await #expect(throws: MigrationError(.unknownMigration, "")) { try await older.migrate() }
            let applied = try await older.migrate(allowsNewer: true)
            #expect(applied.isEmpty)
            let last = try #require(try await older.status().last)
            #expect(last.id == 4 && last.name == "fourth")
            if case .unknown = last.state {} else { Issue.record("expected unknown, found \(last.state)") }
        }
    }

    @Test("a step that fails is undone, says which and why, and keeps those before it")
    func failure() async throws {
        try await TestDatabase.withEmpty { client in
            let bad = Migration(id: 5, name: "bad", sql: "CREATE TABLE d (x int8); SELECT 1/0;")
            let error = await #expect(throws: MigrationError.self) {
                try await migrator(client, Self.steps + [bad]).migrate()
            }
            #expect(error?.code == .failed)
            #expect(error?.detail.contains("5 bad") == true)
            #expect(error?.detail.contains("22012") == true)
            let rows = try await client.query(
                Statement("d", "SELECT to_regclass('d') IS NULL, (SELECT count(*) FROM schema_migrations)")
            )
            #expect(try rows[0].bool(0))
            #expect(try rows[0].int8(1) == 3)
        }
    }

    @Test("of many migrators at the same time each step is applied by exactly one")
    func concurrent() async throws {
        let url = try await TestDatabase.empty()
        let counts = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    try await TestDatabase.withClient(of: url, connections: 1) { client in
                        try await migrator(client).migrate().count
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts.reduce(0, +) == 3)
        #expect(counts.max() == 3)
    }

    @Test("a process that does not migrate waits for one that does, and gives up with the names of what is missing")
    func waiting() async throws {
        try await TestDatabase.withEmpty { client in
            let error = await #expect(throws: MigrationError.self) {
                try await migrator(client).waitUntilMigrated(timeout: .milliseconds(1))
            }
            #expect(error?.code == .notMigrated)
            #expect(error?.detail.contains("1 first, 2 second, 4 fourth") == true)
            let waiter = Task { try await migrator(client).waitUntilMigrated() }
            try await migrator(client).migrate()
            try await waiter.value
        }
    }
}
