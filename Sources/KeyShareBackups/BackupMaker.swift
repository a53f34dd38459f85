// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackupContainers
internal import ByteCoding
internal import Deadlines
internal import FoundationEssentials
internal import Logging
internal import Postgres

/// Makes one backup at a time.
struct BackupMaker: Sendable {
    let configuration: BackupConfiguration
    let database: BackupDatabase
    let client: PostgresClient
    let keys: BackupKeySource
    let now: @Sendable () -> Date
    let observe: @Sendable (BackupStage) async -> Void
    let logger: Logger

    var folder: DumpFolder { DumpFolder(path: configuration.directory) }
    var records: BackupRecords { BackupRecords(client: client) }

    /// "ks-backp" in ASCII: one backup of a database at a time, whichever process makes it.
    private static let lock: Int64 = 0x6B73_2D62_6163_6B70

    struct Made: Sendable, Hashable {
        let good: BackupRecords.Good
        /// Milliseconds.
        let duration: Int64
    }

    /// Makes a backup.
    ///
    /// - Parameter isWanted: asked once nobody else makes one: perhaps somebody just has.
    /// - Returns: `nil` if it is not wanted any more.
    func make(if isWanted: () async throws -> Bool = { true }) async throws -> Made? {
        try folder.prepare()
        let programs = try await PostgresPrograms.find(in: configuration.programDirectory)
        return try await client.withConnection { session in
            guard try await Self.acquire(session) else {
                throw BackupFault(.busy, "another backup is being made")
            }
            try await tidy()
            guard try await isWanted() else { return nil }
            try await programs.check(serverMajorVersion: Self.serverVersion(session))
            let (id, start) = (UUID(), now())
            let clock = ContinuousClock.now
            let name = "\(Self.fileName(database.name))_\(Moment.inFileName(start)).akb"
            try await records.begin(id, name: name, at: start)
            do {
                await observe(.begun)
                let file = try await dump(id, at: start, programs, session)
                await observe(.written)
                try await file.publish(as: name)
                await observe(.named)
                let duration = Int64(clock.duration(to: .now) / .milliseconds(1))
                let sha256 = Hex.encode(file.digest)
                try await records.complete(id, duration: duration, size: file.size, sha256: sha256, at: now())
                let good = BackupRecords.Good(id: id, name: name, at: start, size: file.size, sha256: sha256)
                return Made(good: good, duration: duration)
            } catch {
                let fault = Self.fault(error)
                try? await records.fail(id, fault.detail, at: now())
                throw fault
            }
        }
    }

    /// Ends what processes that were killed have left, if nobody makes a backup now.
    func tidyUnlessBusy() async throws {
        try await client.withConnection { session in
            if try await Self.acquire(session) { try await tidy() }
        }
    }

    private func tidy() async throws {
        folder.removeParts()
        try await records.failAbandoned(at: now())
    }

    private static func acquire(_ session: PostgresSession) async throws -> Bool {
        let rows = try await session.query(
            Statement("backup.lock", "SELECT pg_try_advisory_lock($1)"),
            [.int8(lock)]
        )
        return try rows.first?.bool(0) ?? false
    }

    /// Such as 15.
    static func serverVersion(_ session: PostgresSession) async throws -> Int {
        let rows = try await session.query(
            Statement("backup.server", "SELECT current_setting('server_version_num')::int / 10000")
        )
        return try rows.first.map { Int(try $0.int4(0)) } ?? 0
    }

    /// A name as a file may have it.
    static func fileName(_ name: String) -> String {
        let text = String(
            name.unicodeScalars.prefix(100).map { scalar -> Character in
                let isPlain = scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                return isPlain || scalar == "-" || scalar == "_" || scalar == "." ? Character(scalar) : "_"
            }
        )
        return text.isEmpty || text.hasPrefix(".") ? "db\(text)" : text
    }

    static func fault(_ error: any Error) -> BackupFault {
        switch error {
        case let fault as BackupFault: fault
        case let error as BackupError: BackupFault(error)
        case let error as PostgresError: BackupFault(.database, "the database: \(error)")
        case is DeadlineExceeded: BackupFault(.dump, "it took too long and was ended")
        case is CancellationError: BackupFault(.dump, "the node was stopped")
        default: BackupFault(.dump, "\(error)")
        }
    }

    // MARK: The dump

    private func dump(
        _ id: UUID,
        at start: Date,
        _ programs: PostgresPrograms,
        _ session: PostgresSession
    ) async throws -> PartialFile {
        try await session.script(
            "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        )
        let content = try await DatabaseContent.read(session)
        guard content.schemaVersion != nil else {
            throw BackupFault(.dump, "the database has no tables of a key share node")
        }
        let metadata = BackupMetadata(
            node: configuration.node,
            dumpID: id,
            createdAt: Moment.text(start),
            schemaVersion: content.schemaVersion ?? 0,
            keyEpoch: content.keyEpoch,
            rows: content.rows
        )
        let stream = DumpStream(programs: programs, database: database)
        let snapshot = try await session.query(Statement("backup.snapshot", "SELECT pg_export_snapshot()"))
        guard let snapshot = try snapshot.first?.text(0) else { throw BackupFault(.dump, "no snapshot") }
        let container = try writer(metadata)
        let file = try PartialFile(in: configuration.directory)
        let observe = observe
        do {
            try await withDeadline(configuration.programDeadline) {
                let sealing = Sealing(container)
                try await file.write(sealing.container.header.bytes)
                try await stream.run(snapshot: snapshot, tables: Set(content.rows.keys)) { bytes in
                    try await file.write(sealing.container.append(bytes))
                    if sealing.isFirst { await observe(.dumping) }
                    sealing.isFirst = false
                }
                try await file.write(sealing.container.finish())
            }
            try? await session.script("ROLLBACK")
            return file
        } catch {
            file.discard()
            throw error
        }
    }

    private func writer(_ metadata: BackupMetadata) throws -> BackupWriter {
        // While it is sealed nothing is served, so nothing changes either.
        guard let key = keys.current() else { throw BackupFault(.key, "the node is sealed: unseal it first") }
        if configuration.recipients.isEmpty { return try BackupWriter(metadata, key: key) }
        return try BackupWriter(metadata, recipients: configuration.recipients, node: key)
    }
}

/// A container that is being written; used by one task.
private final class Sealing {
    var container: BackupWriter
    var isFirst = true

    init(_ container: BackupWriter) { self.container = container }
}

/// pg_dump, whose output is looked through as it passes.
struct DumpStream: Sendable {
    let programs: PostgresPrograms
    let database: BackupDatabase

    /// The list of contents stands at the beginning of a dump.
    private static let headLimit = 8 << 20

    /// Dumps the database and gives each piece to the body.
    ///
    /// pg_restore reads the dump to its end at the same time, since a dump that ends too early need not have ended with an
    /// error; and its list of contents has to name each of the tables.
    /// - Throws: `.dump`; what was given to the body is worth nothing then.
    func run(snapshot: String?, tables: Set<String>, _ body: ([UInt8]) async throws -> Void) async throws {
        var arguments = ["--format=custom", "--no-password", "--lock-wait-timeout=60s"]
        if let snapshot { arguments.append("--snapshot=\(snapshot)") }
        arguments.append(BackupDatabase.argument(database.name))
        let dump = ProgramRun(programs.dump, arguments, database.environment)
        let reader = ProgramRun(programs.restore, ["--file=/dev/null"])
        let passing = Passing()
        let read = try await reader.write { writer in
            passing.problem = try await dump.read { bytes in
                passing.keep(bytes, upTo: Self.headLimit)
                // What the reader does not take any more it complains about itself.
                if !passing.readerIsGone { passing.readerIsGone = try await Self.isRefused(bytes, by: writer) }
                try await body(bytes)
            }
        }
        if let problem = passing.problem { throw BackupFault(.dump, problem) }
        if let problem = read.problem { throw BackupFault(.dump, "what pg_dump wrote cannot be read back: \(problem)") }
        let listed = try await Self.tables(in: passing.head, programs)
        let missing = tables.subtracting(listed).sorted()
        guard missing.isEmpty else {
            throw BackupFault(.dump, "the dump lacks tables: \(missing.joined(separator: ", "))")
        }
    }

    private static func isRefused(_ bytes: [UInt8], by writer: ([UInt8]) async throws -> Void) async throws -> Bool {
        do { try await writer(bytes) } catch {
            try Task.checkCancellation()
            return true
        }
        return false
    }

    /// The tables whose rows a dump has, as `schema.table`, from its beginning.
    ///
    /// - Throws: `.dump`.
    static func tables(in head: [UInt8], _ programs: PostgresPrograms) async throws -> Set<String> {
        let list = try await ProgramRun(programs.restore, ["--list"]).write { writer in try await writer(head) }
        if let problem = list.problem { throw BackupFault(.dump, "the dump has no list of contents: \(problem)") }
        var tables: Set<String> = []
        // Such as: 3456; 0 16400 TABLE DATA public 2_users assay
        for line in list.output.split(whereSeparator: \.isNewline) {
            let words = line.split(separator: " ")
            guard words.count >= 8, words[3] == "TABLE", words[4] == "DATA" else { continue }
            tables.insert("\(words[5]).\(words[6..<(words.count - 1)].joined(separator: " "))")
        }
        return tables
    }
}

/// What is remembered of a stream that passes; used by one task.
final class Passing {
    var head: [UInt8] = []
    var count: Int64 = 0
    var problem: String?
    var readerIsGone = false

    func keep(_ bytes: [UInt8], upTo limit: Int) {
        count += Int64(bytes.count)
        if head.count < limit { head += bytes.prefix(limit - head.count) }
    }
}

/// What is in a database, as one snapshot shows it.
struct DatabaseContent: Sendable, Hashable {
    /// Rows by table, as `schema.table`.
    var rows: [String: Int64] = [:]
    /// The newest step of the tables; `nil` for a database without them.
    var schemaVersion: Int?
    var keyEpoch: UInt32 = 1

    static func read(_ session: PostgresSession) async throws -> DatabaseContent {
        var content = DatabaseContent()
        let tables = try await session.query(
            Statement(
                "backup.tables",
                """
                SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
                    AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1, 2
                """
            )
        )
        var counts: [String] = []
        for row in tables {
            let (schema, table) = (try row.text(0), try row.text(1))
            let name = "'\(schema.replacing("'", with: "''")).\(table.replacing("'", with: "''"))'"
            counts.append("SELECT \(name), count(*) FROM \(quoted(schema)).\(quoted(table))")
        }
        guard !counts.isEmpty else { return content }
        let statement = Statement("backup.counts", counts.joined(separator: " UNION ALL "))
        for row in try await session.query(statement, deadline: .seconds(3600)) {
            content.rows[try row.text(0)] = try row.int8(1)
        }
        if content.rows["keyshare.schema_migrations"] != nil {
            let rows = try await session.query(
                Statement("backup.schema", "SELECT max(id) FROM keyshare.schema_migrations")
            )
            content.schemaVersion = try rows.first?.optionalInt4(0).map(Int.init)
        }
        if content.rows["public.2_kek_epochs"] != nil {
            let rows = try await session.query(
                Statement("backup.epoch", #"SELECT max(epoch) FROM public."2_kek_epochs""#)
            )
            content.keyEpoch = try rows.first?.optionalInt4(0).flatMap { UInt32(exactly: $0) } ?? 1
        }
        return content
    }
}
