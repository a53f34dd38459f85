// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackupContainers
internal import Deadlines
internal import FoundationEssentials
internal import KeyShareNode
internal import KeyShareProtocol
internal import Logging
internal import Postgres
internal import Synchronization

/// What a restore or a drill has shown.
public struct RestoreReport: Sendable, Hashable {
    /// The file; `nil` for a dump that went straight from the live database.
    public var name: String?
    /// Bytes of the dump inside.
    public var bytes: Int64 = 0
    /// The tables' version, before it was brought to this build's.
    public var schemaVersion: Int?
    /// Rows of each table, as restored.
    public var rows: [String: Int64] = [:]
    /// Shares that were opened.
    public var opened = 0
    /// Where the database that was live is kept; `nil` after a drill.
    public var before: String?
    /// What an operator should know.
    public var warnings: [String] = []
    /// How long it took.
    public var seconds = 0.0
}

/// Restores a backup beside the live database, checks it, and lets it take the live one's place.
struct Restorer: Sendable {
    let maker: BackupMaker
    let service: KeyShareService

    private var configuration: BackupConfiguration { maker.configuration }
    private var database: BackupDatabase { maker.database }
    private var staging: Staging { staging(patience: configuration.patience) }

    private func staging(patience: Duration) -> Staging {
        Staging(database: database, now: maker.now, patience: patience, logger: maker.logger)
    }

    /// Drops what killed processes have left, if nobody restores now.
    func tidyUnlessBusy() async {
        let staging = staging(patience: .zero)
        do { try await staging.exclusively { try await staging.tidy($0) } } catch {
            maker.logger.debug("databases not tidied", metadata: ["keyshare.reason": "\(error)"])
        }
    }

    /// Restores a file in the place of the live database.
    ///
    /// - Parameter savesLive: whether a backup of the live database is made first; only one that cannot be read goes without.
    func restore(_ path: DumpPath, opener: BackupOpener, savesLive: Bool = true) async throws -> RestoreReport {
        let file = try maker.folder.open(path)
        let programs = try await PostgresPrograms.find(in: configuration.programDirectory)
        let content = try await DumpContent(file, opener: opener)
        return try await timed {
            try await staging.exclusively { session in
                try await staging.tidy(session)
                try await programs.check(serverMajorVersion: BackupMaker.serverVersion(session))
                var report = RestoreReport(name: file.name)
                report.bytes = try await content.verify(programs).bytes
                await maker.observe(.verified)
                let name = staging.name(.restore)
                do {
                    try await fill(name, from: content, programs, session, &report)
                    if savesLive {
                        _ = try await patiently(configuration.patience) { try await maker.make() }
                        await maker.observe(.saved)
                    }
                    report.before = try await exchange(name, session, isLiveReadable: savesLive, &report)
                } catch {
                    try? await staging.drop(name, session)
                    throw error
                }
                return report
            }
        }
    }

    /// Restores a file into a database of its own, checks it, and drops it again.
    func drill(_ path: DumpPath, opener: BackupOpener) async throws -> RestoreReport {
        let file = try maker.folder.open(path)
        let programs = try await PostgresPrograms.find(in: configuration.programDirectory)
        let content = try await DumpContent(file, opener: opener)
        return try await timed {
            try await inScratch { name, session in
                var report = RestoreReport(name: file.name)
                report.bytes = try await content.verify(programs).bytes
                await maker.observe(.verified)
                try await fill(name, from: content, programs, session, &report)
                return report
            }
        }
    }

    /// Dumps the live database straight into a database of its own, where the node cannot read its backups.
    func drillWithoutFile() async throws -> RestoreReport {
        let programs = try await PostgresPrograms.find(in: configuration.programDirectory)
        return try await timed {
            try await inScratch { name, session in
                var report = RestoreReport()
                let stream = DumpStream(programs: programs, database: database)
                let count = Atomic<Int64>(0)
                try await create(name, session)
                try await load(name, programs) { writer in
                    try await stream.run(snapshot: nil, tables: []) { bytes in
                        count.add(Int64(bytes.count), ordering: .relaxed)
                        try await writer(bytes)
                    }
                }
                report.bytes = count.load(ordering: .relaxed)
                await maker.observe(.restored)
                try await check(name, expecting: nil, &report)
                await maker.observe(.checked)
                return report
            }
        }
    }

    private func timed(_ body: () async throws -> RestoreReport) async throws -> RestoreReport {
        let start = ContinuousClock.now
        var report = try await body()
        report.seconds = start.duration(to: .now) / .seconds(1)
        return report
    }

    private func inScratch(
        _ body: (String, PostgresSession) async throws -> RestoreReport
    ) async throws -> RestoreReport {
        try await staging.exclusively { session in
            try await staging.tidy(session)
            let name = staging.name(.drill)
            do {
                let report = try await body(name, session)
                try await staging.drop(name, session)
                return report
            } catch {
                try? await staging.drop(name, session)
                throw error
            }
        }
    }

    // MARK: Steps

    private func create(_ name: String, _ session: PostgresSession) async throws {
        try await staging.create(name, session)
        await maker.observe(.created)
    }

    private func load(
        _ name: String,
        _ programs: PostgresPrograms,
        _ body: @escaping @Sendable (_ writer: ([UInt8]) async throws -> Void) async throws -> Void
    ) async throws {
        let run = ProgramRun(
            programs.restore,
            ["--no-password", "--no-owner", "--no-privileges", "--exit-on-error", BackupDatabase.argument(name)],
            database.environment
        )
        let problem = try await withDeadline(configuration.programDeadline) {
            try await run.write { writer in try await body(writer) }.problem
        }
        if let problem { throw BackupFault(.unsound, "the backup could not be restored: \(problem)") }
    }

    /// Makes the database, fills and checks it.
    private func fill(
        _ name: String,
        from content: DumpContent,
        _ programs: PostgresPrograms,
        _ session: PostgresSession,
        _ report: inout RestoreReport
    ) async throws {
        try await create(name, session)
        try await load(name, programs) { writer in try await content.stream(writer) }
        await maker.observe(.restored)
        try await check(name, expecting: content.header?.metadata, &report)
        if !content.isSealed {
            report.warnings.append(
                "\(content.file.name) is a plain dump: nothing shows who made it, or that it is unchanged"
            )
        }
        await maker.observe(.checked)
    }

    /// Whether the restored database has the rows that it should, fits this build, and opens with this node's secrets.
    private func check(_ name: String, expecting metadata: BackupMetadata?, _ report: inout RestoreReport) async throws
    {
        let (sample, logger) = (configuration.sample, maker.logger)
        let service = service
        let (content, found) = try await database.withClient(of: name, logger: logger) { client in
            let content = try await client.withConnection { try await DatabaseContent.read($0) }
            if let metadata, let rows = metadata.rows, rows != content.rows {
                let other = Set(rows.keys).union(content.rows.keys).filter { rows[$0] != content.rows[$0] }.sorted()
                let detail = other.map { "\($0) \(content.rows[$0] ?? 0) of \(rows[$0] ?? 0)" }.joined(separator: ", ")
                throw BackupFault(.unsound, "the restored tables have other rows than the backup says: \(detail)")
            }
            do throws(KeyShareNodeError) { try await service.adopt(client) } catch {
                throw BackupFault(.unsound, "this node could not serve from the backup: \(error)")
            }
            return (content, try await service.check(database: client, sample: sample))
        }
        report.schemaVersion = content.schemaVersion
        report.rows = content.rows
        report.opened = found.opened
        guard found.isSound else {
            throw BackupFault(
                .unsound,
                found.failed > 0
                    ? "\(found.failed) of \(found.opened + found.failed) shares do not open with this node's secrets"
                    : "the tables are of version \(found.schemaVersion.map(String.init) ?? "none"), "
                        + "this program knows \(found.expectedVersion)"
            )
        }
    }

    /// - Returns: the name under which the former live database is kept.
    private func exchange(
        _ name: String,
        _ session: PostgresSession,
        isLiveReadable: Bool,
        _ report: inout RestoreReport
    ) async throws -> String {
        let before = staging.name(.before)
        // The history of backups and the audit go on, whatever time the rest is of. Most of the audit is taken over while the
        // node still serves.
        _ = try await carryAudit(into: name, isLiveReadable: isLiveReadable)
        let isOneChain = try await service.withServiceSuspended {
            try await database.withClient(of: name, logger: maker.logger) { try await maker.records.carry(into: $0) }
            let isOneChain = try await carryAudit(into: name, isLiveReadable: isLiveReadable)
            await maker.observe(.suspended)
            try await staging.exchange(name, before: before, session)
            await maker.observe(.exchanged)
            return isOneChain
        }
        if !isOneChain {
            report.warnings.append(
                "the audit begins where the backup ends: the former one is in the database \(before)"
            )
        }
        return before
    }

    /// - Returns: whether the restored database's audit is the live one's now; `false` for another chain, and for a live one
    ///   that cannot be read, where nobody expects it to be.
    private func carryAudit(into name: String, isLiveReadable: Bool) async throws -> Bool {
        do {
            try await service.vouchForAudit()
            return try await database.withClient(of: name, logger: maker.logger) {
                try await service.carryAudit(into: $0)
            }
        } catch {
            guard !isLiveReadable else { throw error }
            maker.logger.warning("the audit was not taken over", metadata: ["keyshare.reason": "\(error)"])
            return false
        }
    }
}
