// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Logging
import Migrations
import Postgres
import Settings
import Signer

/// The signer's database: the operator's own, or a private cluster of the signer's.
struct SignerDatabase {
    /// The role that a running signer has.
    static let standardRole = "assay_signer"

    let connectionString: String
    /// The private cluster, to be run as a service; `nil` when the operator has a database.
    let server: EmbeddedPostgres?

    /// Finds the database and starts the private cluster if there is no other.
    /// - Throws: ``Failure``.
    static func open(_ settings: Settings, logger: Logger) async throws -> SignerDatabase {
        let text = settings.secret(.signerDatabase)?.text ?? ""
        if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") || text.contains("=") {
            return SignerDatabase(connectionString: text, server: nil)
        }
        let directory = URL(filePath: text).standardizedFileURL.path(percentEncoded: false)
        let server = EmbeddedPostgres(configuration: .init(directory: directory, durable: true), logger: logger)
        do {
            return SignerDatabase(connectionString: try await server.start(), server: server)
        } catch {
            throw Failure(error.exitCode, error.description)
        }
    }

    /// A client with the schema in place: for a private cluster as the signer's role.
    func client(_ settings: Settings, logger: Logger) async throws -> PostgresClient {
        guard server != nil else {
            let client = try await connect(connectionString, settings, logger: logger)
            try await requireSchema(client, logger: logger)
            return client
        }
        let owner = try await connect(connectionString, settings, logger: logger)
        try await Self.migrate(owner, role: Self.standardRole, logger: logger)
        await owner.shutDown()
        return try await connect(
            connectionString + " options='-c role=\(Self.standardRole)'",
            settings,
            logger: logger
        )
    }

    /// A client as whoever the connection string names.
    func connect(_ text: String, _ settings: Settings, logger: Logger) async throws -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: text)
        configuration.connections = 2
        configuration.sessionLimit = 16
        configuration.applicationName = "assay-signer"
        configuration.statementDeadline = .milliseconds(settings.integer(.statementTimeout) ?? 5000)
        // The statements of the signing path are the same for every request.
        configuration.plansOnce = true
        let client = PostgresClient(configuration, logger: logger)
        do { try await client.waitUntilReady(timeout: .seconds(30)) } catch {
            await client.shutDown()
            throw Failure(
                Failure.unavailable,
                "the signer's database does not answer within 30 s (\(error)); check \(Setting.signerDatabase.name)"
            )
        }
        return client
    }

    /// Brings the schema up to date when this role may, and says what to do when it may not.
    private func requireSchema(_ client: PostgresClient, logger: Logger) async throws {
        let migrator = Migrator.signer(client: client, logger: logger)
        do {
            let isComplete = try await migrator.status().allSatisfy { entry in
                if case .applied = entry.state { true } else { false }
            }
            if !isComplete { try await migrator.migrate() }
        } catch {
            await client.shutDown()
            throw Failure(
                Failure.configuration,
                "the signer's schema is not that of this build (\(error)); run 'assay signer migrate' as its owner"
            )
        }
    }

    /// Applies the missing steps and gives a role what a running signer needs.
    @discardableResult
    static func migrate(_ client: PostgresClient, role: String?, logger: Logger) async throws -> [Migration] {
        do {
            let applied = try await Migrator.signer(client: client, logger: logger).migrate()
            if let role { try await SignerRole(role).establish(client) }
            return applied
        } catch let refusal as SignerRole.Refusal {
            throw Failure(Failure.refused, refusal.description)
        } catch {
            throw Failure(
                Failure.configuration,
                "the signer's schema was not migrated: \(error); \(Setting.signerDatabase.name) has to name the database's owner"
            )
        }
    }
}
