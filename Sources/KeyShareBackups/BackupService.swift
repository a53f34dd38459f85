// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import BackupContainers
public import FoundationEssentials
public import KeyShareNode
public import KeyShareProtocol
public import Logging
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// A node's backups: made each day, kept for a while, copied elsewhere, tried out and put back.
///
/// Any number of processes may do this for one database: one backup is made at a time, and one restore.
public final class BackupService: Service, Sendable {
    public let configuration: BackupConfiguration
    let maker: BackupMaker
    let restorer: Restorer
    private let service: KeyShareService
    private let keys: BackupKeySource
    private let desk: OffsiteDesk
    private let instruments = BackupInstruments()
    private let now: @Sendable () -> Date
    private let logger: Logger

    private struct Tries {
        var backup: Date?
        var drill: Date?
        var tidied: Date?
        var programVersion: String?
    }

    private let tries = Mutex(Tries())

    /// - Parameters:
    ///   - client: of the live database.
    ///   - observe: told how far a backup or restore is; it goes on when this returns.
    public init(
        configuration: BackupConfiguration,
        database: BackupDatabase,
        client: PostgresClient,
        service: KeyShareService,
        keys: BackupKeySource,
        now: @escaping @Sendable () -> Date = { Date() },
        observe: @escaping @Sendable (BackupStage) async -> Void = { _ in },
        logger: Logger
    ) {
        self.configuration = configuration
        self.service = service
        self.keys = keys
        self.now = now
        self.logger = logger
        desk = OffsiteDesk(configuration: configuration, now: now)
        maker = BackupMaker(
            configuration: configuration,
            database: database,
            client: client,
            keys: keys,
            now: now,
            observe: observe,
            logger: logger
        )
        restorer = Restorer(maker: maker, service: service)
    }

    private var records: BackupRecords { maker.records }

    /// What opens backups that this node has made, with the node's own key or another.
    private func opener(_ given: BackupOpener?) -> BackupOpener {
        let own = keys.current()
        return given?.made(by: own) ?? .node(own)
    }

    // MARK: Life

    /// Looks at the programs and the folder, and ends what a killed process has left.
    ///
    /// - Throws: `.program`, `.storage`, `.database`.
    public func prepare() async throws {
        try maker.folder.prepare()
        let programs = try await PostgresPrograms.find(in: configuration.programDirectory)
        tries.withLock { $0.programVersion = programs.version }
        try await maker.client.withConnection { session in
            try await programs.check(serverMajorVersion: BackupMaker.serverVersion(session))
        }
        try await maker.tidyUnlessBusy()
        await restorer.tidyUnlessBusy()
    }

    /// Makes backups when they are due, until graceful shutdown.
    public func run() async throws {
        do { try await prepare() } catch {
            guard !Task.isCancelled else { return }
            // The node serves without; its metrics and /status tell.
            logger.error("backups cannot be made", metadata: ["keyshare.reason": "\(error)"])
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.tick()
                try? await Task.sleep(for: .seconds(30))
            }
        }
    }

    /// Does what is due.
    func tick() async {
        let moment = now()
        if let time = configuration.time {
            await attempt("backup not made") {
                let last = try await self.records.newest()?.at
                let lastTry = self.tries.withLock(\.backup)
                guard Timetable.isBackupDue(time: time, lastGood: last, lastTry: lastTry, now: moment) else { return }
                self.tries.withLock { $0.backup = moment }
                try await self.makeIfDue(time)
            }
        }
        if let newest = try? await records.newest() {
            _ = try? await copies.run(newest, isPatient: true)
            await drillIfDue(moment)
        }
        let tidied = tries.withLock(\.tidied)
        if tidied.map({ moment.timeIntervalSince($0) > 6 * 3600 }) ?? true {
            tries.withLock { $0.tidied = moment }
            await restorer.tidyUnlessBusy()
            await attempt("old backups not removed") { try await self.prune() }
        }
    }

    private func attempt(_ message: Logger.Message, _ body: () async throws -> Void) async {
        do { try await body() } catch {
            if (error as? BackupFault)?.code == .busy { return }
            logger.error(message, metadata: ["keyshare.reason": "\(BackupMaker.fault(error))"])
        }
    }

    private func makeIfDue(_ time: BackupTime) async throws {
        _ = try await make {
            let last = try await self.records.newest()?.at
            return Timetable.isBackupDue(time: time, lastGood: last, lastTry: nil, now: self.now())
        }
    }

    private func drillIfDue(_ moment: Date) async {
        guard let interval = configuration.drillInterval else { return }
        await attempt("drill failed") {
            let last = try await self.records.lastDrill()
            let lastTry = self.tries.withLock(\.drill)
            let isDue = Timetable.isDrillDue(
                every: interval,
                lastDrill: last.flatMap { Moment.date($0.at) },
                lastTry: lastTry,
                now: moment
            )
            guard isDue else { return }
            self.tries.withLock { $0.drill = moment }
            _ = try await self.drill()
        }
    }

    // MARK: Backups

    private var copies: OffsiteCopies {
        OffsiteCopies(configuration: configuration, records: records, now: now, logger: logger)
    }

    /// Makes a backup, removes those that need not be kept, and copies it elsewhere.
    ///
    /// - Returns: `nil` if it was not wanted any more.
    private func make(
        if isWanted: () async throws -> Bool = { true },
        copying: Bool = true
    ) async throws -> BackupMaker.Made? {
        let made: BackupMaker.Made?
        do { made = try await maker.make(if: isWanted) } catch {
            let fault = BackupMaker.fault(error)
            if fault.code != .busy {
                instruments.failed()
                await service.audit(.backupCreate, subject: nil, outcome: "failed: \(fault.code.rawValue)")
            }
            throw fault
        }
        guard let made else { return nil }
        logger.info(
            "backup made",
            metadata: ["keyshare.backup": "\(made.good.name)", "keyshare.bytes": "\(made.good.size)"]
        )
        await service.audit(.backupCreate, subject: made.good.id.text, outcome: "ok")
        await attempt("old backups not removed") { try await self.prune() }
        if copying { _ = try? await copies.run(made.good) }
        return made
    }

    /// Makes a backup now.
    public func makeBackup(copying: Bool = true) async throws -> BackupReceipt {
        let made = try await patiently(configuration.patience) { try await make(copying: copying) }
        guard let made else { throw BackupFault(.busy, "not wanted") }
        return BackupReceipt(
            dumpID: made.good.id.text,
            dumpPath: made.good.name,
            dumpSize: made.good.size,
            dumpDuration: made.duration
        )
    }

    /// Copies the newest backup to all targets that have not got it.
    ///
    /// - Returns: what went wrong, by target.
    public func copyNewest() async throws -> [String: BackupFault] {
        guard let newest = try await records.newest() else { throw BackupFault(.missing, "there is no backup yet") }
        return try await copies.run(newest)
    }

    /// Removes backups that need not be kept: those that this node made, and no others.
    func prune() async throws {
        let good = try await records.good()
        let policy = RetentionPolicy(weekly: configuration.weekly, monthly: configuration.monthly)
        let superfluous = policy.superfluous(good.map { .init(id: $0.id, at: $0.at) }, now: now())
        var undeleted = 0
        for backup in good where superfluous.contains(backup.id) {
            guard await remove(backup) else {
                undeleted += 1
                continue
            }
            try await records.markDeleted(backup.id, at: now())
            await service.audit(.backupDelete, subject: backup.id.text, outcome: "ok")
        }
        instruments.undeleted(undeleted)
    }

    /// - Returns: whether the file is gone.
    private func remove(_ backup: BackupRecords.Good) async -> Bool {
        // Oko's rows have paths; what this node made is a name.
        guard let path = DumpPath(backup.name), path.folder == nil else { return false }
        do {
            let file = try maker.folder.open(path)
            let header = try BackupHeader.parse(try await file.read(at: 0, count: BackupHeader.maximumCount))
            guard header?.metadata.dumpID == backup.id else {
                logger.warning("not this node's backup: kept", metadata: ["keyshare.backup": "\(backup.name)"])
                return false
            }
            let isGone = maker.folder.remove(backup.name)
            if !isGone { logger.warning("backup not removed", metadata: ["keyshare.backup": "\(backup.name)"]) }
            return isGone
        } catch let fault as BackupFault {
            // Gone already.
            return fault.code == .missing
        } catch {
            return false
        }
    }

    // MARK: Restores

    /// Puts a backup in the place of the live database, after it was checked beside it.
    ///
    /// - Parameters:
    ///   - opener: what opens it; `nil` for the node's own key.
    ///   - savesLive: whether a backup of the live database is made before.
    /// - Throws: ``BackupFault``; the live database is as it was then.
    public func restore(_ path: DumpPath, opener: BackupOpener? = nil, savesLive: Bool = true) async throws
        -> RestoreReport
    {
        do {
            let report = try await restorer.restore(path, opener: self.opener(opener), savesLive: savesLive)
            for warning in report.warnings { logger.warning("\(warning)") }
            logger.notice(
                "database restored",
                metadata: ["keyshare.backup": "\(path.name)", "keyshare.before": "\(report.before ?? "none")"]
            )
            // The connections were ended with the former database.
            try? await maker.client.waitUntilReady(timeout: .seconds(30))
            await service.audit(.backupRestore, subject: nil, outcome: "ok")
            try? await service.vouchForAudit()
            return report
        } catch {
            let fault = BackupMaker.fault(error)
            logger.error("database not restored", metadata: ["keyshare.reason": "\(fault)"])
            await service.audit(.backupRestore, subject: nil, outcome: "failed: \(fault.code.rawValue)")
            throw fault
        }
    }

    /// Restores the newest backup, or another, into a scratch database and checks it there.
    ///
    /// Where only recipients can read backups, and none of their keys is given, a new dump takes the file's place.
    public func drill(_ path: DumpPath? = nil, opener: BackupOpener? = nil) async throws -> RestoreReport {
        do {
            guard let newest = try await records.newest() else { throw BackupFault(.missing, "there is no backup yet") }
            let report: RestoreReport
            do {
                if opener == nil, path == nil, !configuration.recipients.isEmpty {
                    report = try await restorer.drillWithoutFile()
                } else {
                    guard let path = path ?? DumpPath(newest.name) else { throw BackupFault(.path, "no backup's name") }
                    report = try await restorer.drill(path, opener: self.opener(opener))
                }
            } catch {
                let fault = BackupMaker.fault(error)
                guard fault.code != .busy else { throw fault }
                try? await records.setDrill(newest.id, at: now(), isOK: false)
                instruments.drilled(now(), isOK: false)
                await service.audit(.backupDrill, subject: nil, outcome: "failed: \(fault.code.rawValue)")
                throw fault
            }
            try await records.setDrill(newest.id, at: now(), isOK: true)
            instruments.drilled(now(), isOK: true)
            await service.audit(.backupDrill, subject: nil, outcome: "ok")
            return report
        } catch {
            throw BackupMaker.fault(error)
        }
    }

    /// Reads a backup to its end: every chunk's seal, and the dump inside.
    public func verify(_ path: DumpPath, opener: BackupOpener? = nil) async throws -> RestoreReport {
        try await Self.verify(
            path,
            in: configuration.directory,
            opener: self.opener(opener),
            programDirectory: configuration.programDirectory
        )
    }

    /// Reads a backup in any folder to its end; needs no database.
    public static func verify(
        _ path: DumpPath,
        in folder: String,
        opener: BackupOpener,
        programDirectory: String? = nil
    ) async throws -> RestoreReport {
        let content = try await DumpContent(DumpFolder(path: folder).open(path), opener: opener)
        let programs = try await PostgresPrograms.find(in: programDirectory)
        let start = ContinuousClock.now
        let verified = try await content.verify(programs)
        var report = RestoreReport(name: path.name)
        report.bytes = verified.bytes
        report.schemaVersion = content.header?.metadata.schemaVersion
        report.rows = content.header?.metadata.rows ?? [:]
        report.seconds = start.duration(to: .now) / .seconds(1)
        return report
    }
}

// MARK: - For the administrator's routes

extension BackupService: BackupDesk {
    public func backup() async throws(KeyShareFailure) -> BackupReceipt {
        do { return try await makeBackup() } catch { throw BackupMaker.fault(error).failure(restoring: false) }
    }

    public func restore(_ path: DumpPath) async throws(KeyShareFailure) -> String {
        do { return try await restore(path, opener: nil).name ?? path.name } catch {
            throw BackupMaker.fault(error).failure(restoring: true)
        }
    }

    public func history(days: Int?) async throws(KeyShareFailure) -> [BackupRow] {
        let since = days.map { now().addingTimeInterval(-Double($0) * 86_400) }
        do { return try await records.history(since: since) } catch {
            throw BackupMaker.fault(error).failure(restoring: false)
        }
    }

    public func acceptOffsite(
        node: String,
        name: String,
        body: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable
    ) async throws(KeyShareFailure) {
        do { try await desk.accept(node: node, name: name, body: body) } catch {
            throw BackupMaker.fault(error).failure(restoring: false)
        }
    }

    public func status() async -> BackupStatus {
        var status = BackupStatus()
        status.dumpProgramVersion = tries.withLock(\.programVersion)
        guard let newest = try? await records.newest() else { return status }
        status.lastOK = Moment.text(newest.at)
        status.lastOKSeconds = Int64(newest.at.timeIntervalSince1970)
        status.lastSize = newest.size
        status.lastDrill = try? await records.lastDrill()
        if let drill = status.lastDrill, let at = Moment.date(drill.at) { instruments.drilled(at, isOK: drill.isOK) }
        // What was written was read back to its end while it was.
        status.isChecked = status.lastDrill?.isOK ?? true
        if !configuration.targets.isEmpty {
            let known = (try? await records.copies(of: newest.id)) ?? []
            let states = configuration.targets.map { target in known.first { $0.target == target.description }?.isOK }
            status.offsite =
                states.allSatisfy { $0 == true } ? "ok" : states.contains { $0 == false } ? "failed" : "pending"
        }
        status.offsiteSeconds = (try? await records.lastCopy()).map { Int64($0.timeIntervalSince1970) }
        return status
    }
}
