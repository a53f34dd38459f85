// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Logging
internal import Postgres

/// Databases beside the live one: what is being restored, what is tried out, and what was live before a restore.
struct Staging: Sendable {
    let database: BackupDatabase
    let now: @Sendable () -> Date
    /// How long to wait for another process.
    let patience: Duration
    let logger: Logger

    enum Kind: String, Sendable, CaseIterable {
        case restore
        case drill
        /// The live database before a restore.
        case before
    }

    /// A database that was live is kept so long.
    static let kept: TimeInterval = 7 * 86_400

    /// Names have 63 bytes, of which 22 come after the live one's.
    private var prefix: String { String(decoding: database.name.utf8.prefix(40), as: UTF8.self) }

    func name(_ kind: Kind) -> String { "\(prefix)_\(kind.rawValue)_\(Moment.inDatabaseName(now()))" }

    /// What a name says of a database that this made.
    private func read(_ name: String) -> (kind: Kind, at: Date)? {
        for kind in Kind.allCases {
            let start = "\(prefix)_\(kind.rawValue)_"
            guard name.hasPrefix(start), let at = Moment.fromDatabaseName(name.dropFirst(start.count)) else { continue }
            return (kind, at)
        }
        return nil
    }

    /// Calls the body while no other process restores or tries out a backup of this database.
    ///
    /// - Throws: `.busy`; what the body throws.
    func exclusively<Value: Sendable>(
        _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let client = database.client(database.maintenance, logger: logger)
        do {
            let value = try await client.withConnection { session in
                try await acquire(session)
                do {
                    let value = try await body(session)
                    await release(session)
                    return value
                } catch {
                    await release(session)
                    throw error
                }
            }
            await client.shutDown()
            return value
        } catch {
            await client.shutDown()
            throw error
        }
    }

    private func acquire(_ session: PostgresSession) async throws {
        try await patiently(patience) {
            let rows = try await session.query(
                Statement("staging.lock", "SELECT pg_try_advisory_lock(hashtextextended($1, 7))"),
                [.text("assay keyshare restore \(database.name)")]
            )
            guard try rows.first?.bool(0) == true else { throw BackupFault(.busy, "another restore or drill runs") }
        }
    }

    /// Gives the lock back before the connection is closed: a server takes its time to notice that one is.
    private func release(_ session: PostgresSession) async {
        let unlock = Statement("staging.unlock", "SELECT pg_advisory_unlock(hashtextextended($1, 7))")
        _ = try? await session.query(unlock, [.text("assay keyshare restore \(database.name)")])
    }

    /// Drops what a process that was killed has left, and live databases of before that were kept long enough.
    ///
    /// Only for who is alone: see ``exclusively(_:)``.
    func tidy(_ session: PostgresSession) async throws {
        let rows = try await session.query(
            Statement(
                "staging.list",
                """
                SELECT datname::text FROM pg_database
                WHERE NOT datistemplate AND pg_has_role(datdba, 'USAGE') ORDER BY 1
                """
            )
        )
        for row in rows {
            let name = try row.text(0)
            guard name != database.name, let (kind, at) = read(name) else { continue }
            if kind == .before, now().timeIntervalSince(at) < Self.kept { continue }
            try await drop(name, session)
            logger.info("database dropped", metadata: ["keyshare.database": "\(name)"])
        }
    }

    /// Makes an empty database of the live one's kind.
    func create(_ name: String, _ session: PostgresSession) async throws {
        let rows = try await session.query(
            Statement(
                "staging.kind",
                """
                SELECT pg_encoding_to_char(encoding)::text, datcollate::text, datctype::text FROM pg_database
                WHERE datname = $1
                """
            ),
            [.text(database.name)]
        )
        guard let row = rows.first else { throw BackupFault(.database, "there is no database \(database.name)") }
        let (encoding, collation, kind) = (try row.text(0), try row.text(1), try row.text(2))
        do {
            try await session.script(
                """
                CREATE DATABASE \(quoted(name)) TEMPLATE template0 ENCODING \(literal(encoding)) \
                LC_COLLATE \(literal(collation)) LC_CTYPE \(literal(kind))
                """
            )
        } catch {
            guard error.sqlState == "42501" else { throw error }
            throw BackupFault(
                .database,
                "role \(database.user) may not make databases, which a restore is tried out in: "
                    + "ALTER ROLE \(quoted(database.user)) CREATEDB"
            )
        }
    }

    func drop(_ name: String, _ session: PostgresSession) async throws {
        try await session.script("DROP DATABASE IF EXISTS \(quoted(name)) WITH (FORCE)")
    }

    /// Puts a database in the place of the live one, which gets the name `before`: both in one transaction, or neither.
    ///
    /// The server lets nobody into a database that is being renamed, and renames none that somebody uses; so those who use
    /// it are put out while the renaming waits for them.
    /// - Throws: `.exchange`; then nothing has changed.
    func exchange(_ restored: String, before: String, _ session: PostgresSession) async throws {
        var problem = ""
        for _ in 0..<5 {
            guard let outcome = await renameWhileEvicting(restored, before: before, session) else { return }
            problem = outcome
            // Perhaps the answer was lost, and not the work.
            if try await isThere(before, session) { return }
        }
        throw BackupFault(
            .exchange,
            "the restored database could not take the place of the live one, which is as it was: \(problem)"
        )
    }

    /// - Returns: what went wrong, or `nil`.
    private func renameWhileEvicting(_ restored: String, before: String, _ session: PostgresSession) async -> String? {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while !Task.isCancelled {
                    try? await evict([database.name, restored])
                    try? await Task.sleep(for: .milliseconds(50))
                }
            }
            let problem = await rename(restored, before: before, session)
            group.cancelAll()
            return problem
        }
    }

    /// - Returns: what went wrong, or `nil`.
    private func rename(_ restored: String, before: String, _ session: PostgresSession) async -> String? {
        do {
            try await session.script(
                """
                BEGIN;
                ALTER DATABASE \(quoted(database.name)) RENAME TO \(quoted(before));
                ALTER DATABASE \(quoted(restored)) RENAME TO \(quoted(database.name));
                COMMIT
                """,
                deadline: .seconds(60)
            )
            return nil
        } catch {
            try? await session.script("ROLLBACK")
            return "\(error)"
        }
    }

    private func isThere(_ name: String, _ session: PostgresSession) async throws -> Bool {
        let rows = try await session.query(
            Statement("staging.there", "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"),
            [.text(name)]
        )
        return try rows.first?.bool(0) ?? false
    }

    /// Ends the sessions of databases.
    private func evict(_ names: [String]) async throws {
        try await database.withClient(of: database.maintenance, logger: logger) { client in
            _ = try await client.query(
                Statement(
                    "staging.evict",
                    """
                    SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity
                    WHERE datname = ANY ($1) AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                        AND pg_has_role(usesysid, 'MEMBER')
                    """
                ),
                [.textArray(names)]
            )
        }
    }
}

/// Tries again while another one is busy, for so long.
func patiently<Value>(_ patience: Duration, _ body: () async throws -> Value) async throws -> Value {
    let end = ContinuousClock.now + patience
    while true {
        do { return try await body() } catch let fault as BackupFault {
            guard fault.code == .busy, ContinuousClock.now < end else { throw fault }
            try await Task.sleep(for: .milliseconds(250))
        }
    }
}

/// A text of SQL, in quotes.
private func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
