// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EmbeddedPostgres
import Foundation
import Logging
import Postgres
import ServiceLifecycle
import Settings
import Supervisor

/// Starts everything on embedded defaults.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract:
            "Start everything: database, sandbox Lightning node, crawler, Roughtime responder, signers, key share node, API.",
        discussion: """
            For newcomers, development and tests: a private Postgres, a sandbox node without real money, a snapshot of the \
            real Lightning graph, three FROST signers that print their codes to DIR/logs instead of mailing them, a key share node with a login \
            provider that gives a token to anyone. Every address and credential file is written to DIR/run.json. Each part is a process of \
            its own; one that dies is started again. Ctrl-C stops all of it; the same DIR continues where it stopped.

            DATABASE_URL uses a database of yours instead of the private one. Other settings are passed on.
            """
    )

    @Option(help: "Directory of everything that is kept.")
    var data: String

    @Option(help: "Port of the API. [default: 3000, or a free one when it is taken]")
    var port: Int?

    @Option(help: "Address of the API.")
    var host = "127.0.0.1"

    @Option(help: "The Lightning graph: LND's JSON, plain or gzip. [default: the snapshot that comes with the program]")
    var graph: String?

    func validate() throws {
        if let port, !(0...65535).contains(port) { throw ValidationError("--port is between 0 and 65535") }
        if let graph, !FileManager.default.isReadableFile(atPath: graph) {
            throw ValidationError("--graph \(graph) cannot be read")
        }
    }

    func run() async throws {
        let settings = try Settings.load()
        let logger = Logs.start("assay.run", level: Logs.level(settings))
        let directory = try RunDirectory(path: data)
        guard let lock = DirectoryLock(directory: directory.path) else {
            throw Failure(
                Failure.temporary,
                "\(directory.path) is in use by another 'assay run'; stop it or use another --data"
            )
        }
        defer { withExtendedLifetime(lock) {} }
        if let previous = directory.previousRun {
            await previous.stopLeftovers(program: ProgramFiles.executable.path)
        }
        let roughtime = try await RunRoughtime(directory: directory.path + "/roughtime")
        let plan = try RunPlan(
            directory: directory,
            roughtime: roughtime,
            settings: settings,
            host: host,
            port: port,
            graph: graph
        )

        Terminal.note("Assay \(BuildInfo.current.version), data in \(directory.path)")
        let (database, server) = try await openDatabase(plan, settings, logger)
        let stack = RunStack(plan: plan, database: database, cluster: try await server?.endpoint(), logger: logger)
        var services: [any Service] = server.map { [$0] } ?? []
        services.append(try plan.keyShare.issuer(logger: logger))
        services += stack.services
        services.append(RunStarter(stack: stack))
        try await Services.run(services, parent: nil, logger: logger)
        Terminal.note("Stopped.")
    }

    private func openDatabase(_ plan: RunPlan, _ settings: Settings, _ logger: Logger) async throws
        -> (url: String, server: EmbeddedPostgres?)
    {
        let directory = plan.directory
        var database: Database
        if let url = settings.secret(.databaseURL) {
            Terminal.note("  database   your own (DATABASE_URL)")
            database = Database(connectionString: url.text, server: nil)
        } else {
            let server = EmbeddedPostgres(
                configuration: .init(
                    directory: directory.path + "/pg",
                    durable: true,
                    maxConnections: 100,
                    roles: [RunKeyShare.role]
                ),
                logger: logger
            )
            Terminal.note("  database   starting PostgreSQL; the first time takes a while")
            do {
                let socket = try await server.endpoint().socketDirectory
                database = Database(connectionString: Database.url(socketDirectory: socket), server: server)
                Terminal.note("  database   private PostgreSQL in \(directory.path)/pg")
            } catch {
                throw Failure(error.exitCode, error.description)
            }
        }
        let client = try await database.client(
            application: "assay-run",
            connections: 1,
            settings: settings,
            logger: logger
        )
        let applied = try await Database.migrate(client, logger: logger)
        if let endpoint = try await database.server?.endpoint() {
            try await plan.signers.prepare(client, endpoint, logger: logger)
            try await plan.keyShare.prepare(client)
        }
        await client.shutDown()
        if !applied.isEmpty { Terminal.note("  schema     \(applied.count) migrations applied") }
        return (database.connectionString, database.server)
    }
}
