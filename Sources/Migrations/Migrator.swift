// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import Logging
public import Postgres

/// Brings a database to the schema of this build.
///
/// Every step that is missing is applied, also one whose number is lower than that of a step already there. Processes that
/// start at the same time wait for each other.
public struct Migrator: Sendable {
    private let client: PostgresClient
    private let migrations: [Migration]
    private let history: MigrationHistory
    private let logger: Logger

    /// Makes a migrator for the steps of this build, or for others in tests.
    /// - Parameter schema: a schema with a history of its own, for which the steps are; it is made when it is missing.
    public init(
        client: PostgresClient,
        migrations: [Migration] = Migration.all,
        schema: String? = nil,
        logger: Logger
    ) {
        self.client = client
        self.migrations = migrations.sorted { $0.id < $1.id }
        history = MigrationHistory(schema: schema)
        self.logger = logger
    }

    /// Makes a migrator for the signer's schema.
    public static func signer(client: PostgresClient, logger: Logger) -> Migrator {
        Migrator(client: client, migrations: Migration.signer, schema: "signer", logger: logger)
    }

    /// Makes a migrator for the tables of a key share node, whose history stands in a schema of its own.
    public static func keyshare(client: PostgresClient, logger: Logger) -> Migrator {
        Migrator(client: client, migrations: Migration.keyshare, schema: "keyshare", logger: logger)
    }

    /// The number of the last step of this build; 0 when there is none.
    public static var expectedVersion: Int32 { Migration.all.map(\.id).max() ?? 0 }

    /// Applies the missing steps, each as one transaction, and returns them.
    ///
    /// - Parameter allowsNewer: goes on although the database holds steps that this build does not know.
    /// - Throws: `.drift` or `.unknownMigration` before anything is changed; `.failed` with what went before applied.
    @discardableResult
    public func migrate(allowsNewer: Bool = false) async throws(MigrationError) -> [Migration] {
        do {
            return try await client.withConnection { session in
                // Gone with the session, however it ends.
                _ = try await session.query(MigrationHistory.lock, [.int8(history.lockKey)], deadline: .seconds(300))
                try await session.script(history.create)
                let applied = try Self.decode(try await session.query(history.list))
                try check(applied, allowsNewer: allowsNewer)
                let missing = migrations.filter { applied[$0.id] == nil }
                for migration in missing { try await apply(migration, session) }
                return missing
            }
        } catch let error as MigrationError {
            throw error
        } catch {
            throw MigrationError(.storeUnavailable, "\(error)")
        }
    }

    /// Waits until somebody else has applied every step of this build.
    ///
    /// - Throws: `.drift`, `.unknownMigration`, or `.notMigrated` with the missing steps after the timeout.
    public func waitUntilMigrated(timeout: Duration = .seconds(60)) async throws(MigrationError) {
        let deadline = ContinuousClock.now + timeout
        while true {
            let applied = try await read()
            try check(applied, allowsNewer: false)
            let missing = migrations.filter { applied[$0.id] == nil }
            if missing.isEmpty { return }
            guard ContinuousClock.now < deadline else {
                let names = missing.map { "\($0.id) \($0.name)" }.joined(separator: ", ")
                throw MigrationError(.notMigrated, "after \(timeout) still missing: \(names); run \(history.command)")
            }
            do { try await Task.sleep(for: .milliseconds(200)) } catch {
                throw MigrationError(.notMigrated, "the wait was cancelled")
            }
        }
    }

    /// Every step of this build and of the database, by number.
    public func status() async throws(MigrationError) -> [MigrationStatus] {
        let applied = try await read()
        let known = migrations.map { migration in
            guard let row = applied[migration.id] else {
                return MigrationStatus(id: migration.id, name: migration.name, state: .pending)
            }
            let isSame = row.checksum == migration.checksum
            return MigrationStatus(
                id: migration.id,
                name: migration.name,
                state: isSame ? .applied(row.appliedAt) : .drifted(row.appliedAt)
            )
        }
        let ids = Set(migrations.map(\.id))
        let unknown = applied.filter { !ids.contains($0.key) }.map { id, row in
            MigrationStatus(id: id, name: row.name, state: .unknown(row.appliedAt))
        }
        return (known + unknown).sorted { $0.id < $1.id }
    }

    // MARK: Steps

    private struct AppliedRow {
        let name: String
        let checksum: String
        let appliedAt: Date
    }

    private func check(_ applied: [Int32: AppliedRow], allowsNewer: Bool) throws(MigrationError) {
        for migration in migrations {
            guard let row = applied[migration.id], row.checksum != migration.checksum else { continue }
            throw MigrationError(
                .drift,
                """
                migration \(migration.id) \(migration.name) was applied with the text of SHA-256 \(row.checksum),                 this build has \(migration.checksum)
                """
            )
        }
        let ids = Set(migrations.map(\.id))
        guard !allowsNewer, let unknown = applied.keys.filter({ !ids.contains($0) }).min() else { return }
        throw MigrationError(
            .unknownMigration,
            "the database holds migration \(unknown) \(applied[unknown]?.name ?? ""), which this build does not know"
        )
    }

    private func apply(_ migration: Migration, _ session: PostgresSession) async throws {
        let start = ContinuousClock.now
        do {
            try await session.transaction {
                try await session.script(migration.sql)
                let milliseconds = start.duration(to: .now) / .milliseconds(1)
                try await session.execute(
                    history.insert,
                    [
                        .int4(migration.id), .text(migration.name), .text(migration.checksum),
                        .int4(Int32(clamping: Int64(milliseconds))),
                    ]
                )
            }
        } catch let error as PostgresError where error.sqlState != nil {
            throw MigrationError(.failed, "migration \(migration.id) \(migration.name): \(error)")
        }
        logger.info(
            "migration applied",
            metadata: ["migration.id": "\(migration.id)", "migration.name": "\(migration.name)"]
        )
    }

    private func read() async throws(MigrationError) -> [Int32: AppliedRow] {
        do {
            return try Self.decode(try await client.query(history.list))
        } catch {
            // Nobody has begun.
            if error.sqlState == "42P01" { return [:] }
            throw MigrationError(.storeUnavailable, "\(error)")
        }
    }

    private static func decode(_ rows: [Row]) throws(PostgresError) -> [Int32: AppliedRow] {
        var applied: [Int32: AppliedRow] = [:]
        for row in rows {
            applied[try row.int4(0)] = AppliedRow(
                name: try row.text(1),
                checksum: try row.text(2),
                appliedAt: try row.date(3)
            )
        }
        return applied
    }
}
