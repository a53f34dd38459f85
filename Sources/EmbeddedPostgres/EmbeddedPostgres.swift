// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
public import Logging
public import ServiceLifecycle

/// A private PostgreSQL server: made on first use, adopted when it runs already, brought back when it dies.
///
/// It listens on a Unix socket in a closed directory only and identifies users by what the kernel says about them (peer),
/// so there is no password. It runs as user `postgres` when we are root and as ourselves otherwise. When our process is
/// killed the server lives on, and the next start adopts it; when the server is killed it recovers from its log.
public actor EmbeddedPostgres: Service {
    private let configuration: EmbeddedPostgresConfiguration
    private let logger: Logger
    private var running: Running?

    private struct Running {
        let layout: ClusterLayout
        let command: ServerCommand
        let lock: ClusterLock
        let endpoint: Endpoint
    }

    /// Where a server can be reached.
    public struct Endpoint: Sendable, Hashable {
        /// The directory of the Unix socket.
        public let socketDirectory: String

        /// A libpq connection string; the server has a database `assay`.
        public func connectionString(database: String = "assay") -> String {
            "host='\(socketDirectory)' user=assay dbname=\(database)"
        }
    }

    /// Describes a server; nothing happens before `start`.
    public init(configuration: EmbeddedPostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Brings the server up, unless it is, and returns a libpq connection string for its database `assay`.
    ///
    /// A first start takes about 1.5 s, later ones 0.1 s.
    public func start() async throws(EmbeddedPostgresError) -> String {
        try await endpoint().connectionString()
    }

    /// Brings the server up, unless it is, and says where it is.
    public func endpoint() async throws(EmbeddedPostgresError) -> Endpoint {
        if let running { return running.endpoint }
        let layout = try ClusterLayout(directory: ClusterPlace.resolve(configuration.directory))
        try layout.makeDirectory()
        let lock = try ClusterLock(path: layout.lock)
        let owner = try ClusterOwner.choose(dataOwner: layout.dataOwner)
        let binaries = try await ServerBinaries.find(
            in: configuration.binaryDirectories,
            matching: layout.dataVersion,
            path: ProcessInfo.processInfo.environment["PATH"]
        )
        try layout.makeServerFiles(for: owner)
        let command = ServerCommand(binaries: binaries, owner: owner)
        let isNew = layout.dataVersion == nil
        if isNew { try await initialize(layout, command) }
        try writeConfiguration(layout, command)
        let isAdopted = try await bringUp(layout, command)
        let endpoint = Endpoint(socketDirectory: layout.socketDirectory)
        running = Running(layout: layout, command: command, lock: lock, endpoint: endpoint)
        logger.info(
            "database: private PostgreSQL",
            metadata: [
                "db.version": "\(binaries.majorVersion)", "db.directory": "\(layout.directory)",
                "db.socket": "\(layout.socket)", "db.state": isNew ? "new" : isAdopted ? "adopted" : "started",
            ]
        )
        return endpoint
    }

    /// Keeps the server up until graceful shutdown, then stops it unless it is to be left running.
    public func run() async throws {
        _ = try await start()
        var failure: (any Error)?
        do {
            try await cancelWhenGracefulShutdown { try await self.supervise() }
        } catch is CancellationError {
            // Shutdown.
        } catch {
            failure = error
        }
        if configuration.leavesRunning { running = nil } else { await stop() }
        if let failure { throw failure }
    }

    /// Stops the server: open transactions are rolled back.
    public func stop() async {
        guard let running else { return }
        self.running = nil
        guard let process = ServerProcess.current(running.layout) else { return }
        if await process.stop(SIGINT, within: .seconds(10)) { return }
        logger.warning("database server does not stop in order; stopping it at once")
        if await process.stop(SIGQUIT, within: .seconds(5)) { return }
        logger.error("database server does not stop", metadata: ["db.pid": "\(process.processID)"])
    }

    // MARK: Steps

    /// Makes the data directory aside and puts it in place when it is complete.
    private func initialize(_ layout: ClusterLayout, _ command: ServerCommand) async throws(EmbeddedPostgresError) {
        let data = layout.unfinishedData
        if FileManager.default.fileExists(atPath: data) {
            do { try FileManager.default.removeItem(atPath: data) } catch {
                throw EmbeddedPostgresError(.directoryUnusable, "\(data), left by a start that failed: \(error)")
            }
        }
        try layout.makeDirectory(data, mode: 0o700, owner: command.owner)
        var arguments = [
            "-D", data, "-U", "assay", "--auth-local=peer", "--auth-host=reject", "--no-locale", "--encoding=UTF8",
            "--data-checksums", "--no-instructions",
        ]
        if !configuration.durable { arguments.append("--no-sync") }
        try await command.run("initdb", arguments)
        try await command.run(
            "postgres",
            ["--single", "-D", data, "postgres"],
            input: "CREATE DATABASE assay\n"
        )
        guard rename(data, layout.data) == 0 else {
            throw EmbeddedPostgresError(.directoryUnusable, "\(layout.data): \(String(cString: strerror(errno)))")
        }
    }

    /// Writes the server's settings afresh; an operator's own belong into `ALTER SYSTEM`, which overrides them.
    private func writeConfiguration(_ layout: ClusterLayout, _ command: ServerCommand) throws(EmbeddedPostgresError) {
        let settings = ServerSettings(layout: layout, configuration: configuration)
        let users = Set(["root", command.owner.name] + [ClusterOwner.currentName].compactMap { $0 })
        for (name, text) in settings.files(users: users.sorted()) {
            do {
                try Data(text.utf8).write(to: URL(filePath: "\(layout.conf)/\(name)"), options: .atomic)
            } catch {
                throw EmbeddedPostgresError(.directoryUnusable, "\(layout.conf)/\(name): \(error)")
            }
            _ = chmod("\(layout.conf)/\(name)", 0o644)
        }
    }

    /// Adopts the running server or starts it; returns whether it was adopted.
    private func bringUp(_ layout: ClusterLayout, _ command: ServerCommand) async throws(EmbeddedPostgresError) -> Bool
    {
        if ServerProcess.current(layout) != nil {
            let isReady = await ServerProcess.poll(within: configuration.startTimeout) {
                ServerProcess.current(layout)?.isReady ?? true
            }
            if isReady, ServerProcess.current(layout)?.isReady == true { return true }
        }
        let deadline = ContinuousClock.now + Self.patienceWithTheDead
        while true {
            let start = layout.logSize
            do {
                try await command.run(
                    "pg_ctl",
                    [
                        "start", "-s", "-w", "-t", "\(configuration.startTimeout.components.seconds)", "-D",
                        layout.data,
                        "-l", layout.log, "-o", "-c config_file='\(layout.conf)/postgresql.conf'",
                    ]
                )
                return false
            } catch {
                let words = layout.log(since: start)
                // A server that was just killed may still be a zombie, and its children may still hold its memory.
                let isPassing = words.contains("lock file") || words.contains("pre-existing shared memory")
                guard isPassing, ContinuousClock.now < deadline else {
                    throw EmbeddedPostgresError(.serverFailed, "\(error.detail)\n\(words)")
                }
                ServerProcess.reap(layout)
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    /// How long the remains of a killed server may stand in the way of the next one.
    private static let patienceWithTheDead = Duration.seconds(15)

    /// Looks after the server once a second and brings it back.
    private func supervise() async throws {
        while true {
            try await Task.sleep(for: .seconds(1))
            guard let running, ServerProcess.current(running.layout) == nil else { continue }
            logger.error("database server has died; starting it again")
            // Not cancelled by shutdown, which stops the server afterwards.
            _ = try await bringUp(running.layout, running.command)
            logger.notice("database server is back")
        }
    }
}
