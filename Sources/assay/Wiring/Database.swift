// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Logging
import Migrations
import Postgres
import ServiceLifecycle
import Settings

/// Chooses the database: the operator's own, or a private cluster in the data directory.
struct Database {
    let connectionString: String
    /// The private cluster, to be run as a service; `nil` when the operator has a database.
    let server: EmbeddedPostgres?

    /// Where data is kept when nothing else is said.
    static func defaultDirectory(_ settings: Settings) -> String {
        if let directory = settings.text(.dataDirectory) { return directory }
        if getuid() == 0 { return "/var/lib/assay" }
        let state = ProcessInfo.processInfo.environment["XDG_STATE_HOME"] ?? NSHomeDirectory() + "/.local/state"
        return state + "/assay"
    }

    /// Finds the database and starts the private cluster if there is no other.
    /// - Throws: ``Failure`` with exit code 69 and the install command when there is no server program.
    static func open(_ settings: Settings, logger: Logger) async throws -> Database {
        if let url = settings.secret(.databaseURL) { return Database(connectionString: url.text, server: nil) }
        let directory = defaultDirectory(settings) + "/pg"
        let server = EmbeddedPostgres(configuration: .init(directory: directory, durable: true), logger: logger)
        do {
            let endpoint = try await server.endpoint()
            return Database(connectionString: url(socketDirectory: endpoint.socketDirectory), server: server)
        } catch {
            throw Failure(error.exitCode, error.description)
        }
    }

    /// A URL that libpq, psql and pg_dump take.
    static func url(socketDirectory: String) -> String {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "/._-")
        let host = socketDirectory.addingPercentEncoding(withAllowedCharacters: allowed) ?? socketDirectory
        return "postgresql:///assay?host=\(host)&user=assay"
    }

    /// A client, once the database answers.
    func client(
        application: String,
        connections: Int,
        sessions: Int = 4,
        settings: Settings,
        logger: Logger
    ) async throws -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: connectionString)
        configuration.connections = connections
        configuration.sessionLimit = sessions
        configuration.applicationName = application
        return try await client(configuration, settings: settings, logger: logger)
    }

    /// A client with a configuration of its own, once the database answers.
    func client(_ configuration: PostgresConfiguration, settings: Settings, logger: Logger) async throws
        -> PostgresClient
    {
        var configuration = configuration
        configuration.statementDeadline = .milliseconds(settings.integer(.statementTimeout) ?? 5000)
        let client = PostgresClient(configuration, logger: logger)
        do {
            try await client.waitUntilReady(timeout: .seconds(30))
        } catch {
            await client.shutDown()
            throw Failure(
                Failure.unavailable,
                "the database does not answer within 30 s (\(error)); check DATABASE_URL, or unset it for a private one"
            )
        }
        return client
    }

    /// Brings the schema up to date.
    static func migrate(_ client: PostgresClient, allowsNewer: Bool = false, logger: Logger) async throws -> [Migration]
    {
        do {
            return try await Migrator(client: client, logger: logger).migrate(allowsNewer: allowsNewer)
        } catch {
            throw Failure(Failure.configuration, "the database was not migrated: \(error)")
        }
    }
}
