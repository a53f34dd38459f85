// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Postgres
import Settings

/// The key share node's database, as DB_HOST and the others name it.
struct KeyShareDatabase: Sendable {
    let host: String
    let port: Int
    let user: String
    let password: Secret?
    let name: String
    /// As libpq knows it: `disable`, `require` or `verify-full`.
    let encryption: String
    /// The file of authorities for `verify-full`.
    let authorities: String?
    private let statementDeadline: Duration

    /// - Throws: ``Failure``.
    init(_ settings: Settings) throws {
        host = settings.text(.databaseHost) ?? ""
        port = settings.integer(.databasePort) ?? 5432
        user = settings.text(.databaseUser) ?? ""
        password = settings.secret(.databasePassword)
        name = settings.text(.databaseName) ?? ""
        statementDeadline = .milliseconds(settings.integer(.statementTimeout) ?? 5000)
        switch settings.text(.databaseTLS) {
        case "require": encryption = "require"
        case "verify-full", "true": encryption = "verify-full"
        default: encryption = "disable"
        }
        guard encryption == "verify-full" else {
            authorities = nil
            return
        }
        let system = "/etc/ssl/certs/ca-certificates.crt"
        let path = settings.text(.keyShareCertificates) ?? system
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.databaseTLS.name)=verify-full needs the authorities' certificates, but \(path) cannot be read; "
                    + "set \(Setting.keyShareCertificates.name)"
            )
        }
        authorities = path
    }

    /// What libpq takes, for this database or another one of the same server.
    func connectionString(database: String? = nil) -> String {
        var parts = [
            ("host", host), ("port", String(port)), ("user", user), ("dbname", database ?? name),
            ("sslmode", encryption),
        ]
        if let password { parts.append(("password", password.text)) }
        if let authorities { parts.append(("sslrootcert", authorities)) }
        return parts.map { "\($0.0)='\(Self.escaped($0.1))'" }.joined(separator: " ")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }

    /// A client that has found the database.
    ///
    /// - Throws: ``Failure`` when it does not answer within 30 s.
    func client(connections: Int = 4, logger: Logger) async throws -> PostgresClient {
        let client = client(database: nil, connections: connections, logger: logger)
        do { try await Self.find(client) } catch {
            await client.shutDown()
            throw error
        }
        return client
    }

    /// Waits until the database answers.
    ///
    /// - Throws: ``Failure`` when it does not within 30 s.
    static func find(_ client: PostgresClient) async throws {
        do { try await client.waitUntilReady(timeout: .seconds(30)) } catch {
            throw Failure(
                Failure.unavailable,
                "the database does not answer within 30 s (\(error)); check DB_HOST, DB_PORT, DB_USER, DB_PASSWORD, "
                    + "DB_NAME and DB_SSL"
            )
        }
    }

    /// A client of this database or another one of the same server, which connects when it is first used.
    func client(database: String?, connections: Int, logger: Logger) -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: connectionString(database: database))
        configuration.connections = connections
        configuration.sessionLimit = 16
        configuration.applicationName = "assay-keyshare"
        configuration.statementDeadline = statementDeadline
        configuration.plansOnce = true
        return PostgresClient(configuration, logger: logger)
    }
}
