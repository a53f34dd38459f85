// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EmbeddedPostgres
import Foundation
import Logging
import Metrics
import Migrations
import Postgres
import RoughtimeKeys
import ServiceLifecycle
import Settings
import Signer
import SignerServer

/// Holds shares of Nostr keys and signs with them.
struct SignerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signer",
        abstract: "Hold one share of each of many Nostr keys, and sign together with other signers (Pomade).",
        discussion: """
            A user's key is split so that any t of n signers can sign with it, and no fewer. Each signer should be run by \
            somebody else, on another cloud, with another mail provider.

            Try one:
              (umask 077; openssl rand -hex 32 > secret)
              POMADE_SECRET_FILE=secret POMADE_DATABASE=./signer TEST_MODE=1 \\
                POMADE_PORT=3101 POMADE_URL=http://127.0.0.1:3101 assay signer serve
              assay frost deal --signer http://127.0.0.1:3101 --threshold 1 \\
                --new-key-file key.nsec

            'assay run' starts three of them.

            In production:
              1. (umask 077; openssl rand -hex 32 > secret)
                 and a copy of it apart from the database's backups
              2. POMADE_DATABASE=postgresql://owner@... \\
                   assay signer migrate --role assay_signer
              3. POMADE_DATABASE=postgresql://assay_signer@... \\
                   POMADE_SECRET_FILE=secret POMADE_URL=https://signer.example \\
                   MAIL_PROVIDER=... MAIL_FROM_EMAIL=... assay signer serve

            DEPLOY.md, section 12, sets up a host for it. docs/signer.md describes routes, settings and what is done differently from other signers.
            """,
        subcommands: [Serve.self, Migrate.self, RotateSecret.self, Audit.self]
    )

    /// Serves the routes.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serve the signer's routes on POMADE_BIND:POMADE_PORT.",
            discussion: """
                Needs POMADE_SECRET (64 hexadecimal digits or nsec1..., also POMADE_SECRET_FILE), POMADE_URL (as clients \
                know it, for ever), and MAIL_PROVIDER with its settings. POMADE_DATABASE is the URL of a PostgreSQL \
                database, or a directory for a private cluster. Put a TLS proxy in front.

                Any number of processes may serve from one database. Metrics: GET /metrics on the same port, from this \
                machine or with API_KEY. Logs go to standard error and hold no keys, addresses or codes.
                """
        )

        @Option(help: .hidden)
        var parent: Int32?

        func run() async throws {
            let settings = try Settings.load()
            let logger = Logs.start("assay.signer", level: Logs.level(settings))
            let registry = MetricsSetup.start(settings)
            do { try ProcessMemory.protect() } catch { logger.warning("\(error)") }
            let wiring = try await SignerWiring(settings, registry: registry, logger: logger)
            let listener = SignerListener(site: wiring.site, configuration: wiring.server, logger: logger)
            try await Services.run(wiring.services + [listener], parent: parent, logger: logger)
        }
    }

    /// Makes the signer's schema and role.
    struct Migrate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Apply the migrations of the schema 'signer', and give a role what a running signer needs.",
            discussion: """
                Run it as the schema's owner. With --role the role is made unless it is there, and may then read and write \
                the signer's rows, add to its audit and change nothing of it, and nothing else. If this connection may not \
                make roles, the statement for an administrator is printed. The role has no password: set one in psql.
                """
        )

        @Option(help: "The role that 'assay signer serve' will connect as.")
        var role: String?

        @Flag(help: "Print the grants that --role would make, and do nothing.")
        var showGrants = false

        func run() async throws {
            if showGrants {
                let role = try checked(role ?? SignerDatabase.standardRole)
                print("\(role.creation);\n\(role.grants)")
                return
            }
            if let role { _ = try checked(role) }
            let settings = try Settings.load()
            let logger = Logs.start("assay.signer", level: Logs.level(settings))
            let database = try await SignerDatabase.open(settings, logger: logger)
            let client = try await database.connect(database.connectionString, settings, logger: logger)
            let applied = try await SignerDatabase.migrate(client, role: role, logger: logger)
            for migration in applied { print("applied \(migration.id) \(migration.name)") }
            if applied.isEmpty { print("nothing to apply") }
            if let role { print("role \(role): has what it needs") }
            await client.shutDown()
            await database.server?.stop()
        }

        private func checked(_ name: String) throws -> SignerRole {
            do { return try SignerRole(name) } catch { throw Failure(Failure.usage, "--role: \(error)") }
        }
    }

    /// Writes everything anew under a new secret.
    struct RotateSecret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-secret",
            abstract: "Seal every row with POMADE_SECRET in place of POMADE_SECRET_PREVIOUS.",
            discussion: """
                1. Give all processes the new POMADE_SECRET, and the old one as
                   POMADE_SECRET_PREVIOUS; restart them.
                2. assay signer rotate-secret, with the same settings
                3. Take POMADE_SECRET_PREVIOUS away.

                It can be stopped at any time and goes on where it was. Signers may run meanwhile, but for one with a private \
                cluster (POMADE_DATABASE is a directory), which has to be stopped. Backups made before need \
                the old secret.
                """
        )

        func run() async throws {
            try await SignerCommand.withKeys { client, keys, settings, logger in
                let configuration = try SignerWiring.configuration(settings)
                let rotation = SecretRotation(configuration: configuration, keys: keys, client: client)
                let progress = try await rotation.run { progress in
                    logger.info(
                        "rotating",
                        metadata: ["signer.shares": "\(progress.shares)", "signer.sessions": "\(progress.sessions)"]
                    )
                }
                print(
                    "written anew: \(progress.shares) shares, \(progress.sessions) sessions, "
                        + "ends of \(progress.auditHeads) audit chains"
                )
            }
        }
    }

    /// Works on the audit.
    struct Audit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the audit.",
            subcommands: [Verify.self]
        )

        struct Verify: AsyncParsableCommand {
            static let configuration = CommandConfiguration(
                abstract:
                    "Follow every user's chain of hashes from its first entry to its end; exit 65 if one is broken.",
                discussion: "Needs POMADE_DATABASE and POMADE_SECRET. Stop a signer with a private cluster first."
            )

            func run() async throws {
                try await SignerCommand.withKeys { client, keys, _, _ in
                    let report = try await AuditVerification(client: client, keys: keys).run()
                    print("\(report.chains) chains, \(report.entries) entries")
                    guard report.faults.isEmpty else {
                        throw Failure(Failure.unreadable, report.faults.joined(separator: "\n"))
                    }
                    print("every chain holds")
                }
            }
        }
    }

    /// Opens the database and its keys for a command that ends.
    static func withKeys(
        _ body: (PostgresClient, SignerKeys, Settings, Logger) async throws -> Void
    ) async throws {
        let settings = try Settings.load()
        let logger = Logs.start("assay.signer", level: Logs.level(settings))
        let secrets = try SignerSecrets(settings)
        let database = try await SignerDatabase.open(settings, logger: logger)
        let client = try await database.client(settings, logger: logger)
        do {
            try await body(client, try await secrets.open(client), settings, logger)
        } catch {
            await client.shutDown()
            await database.server?.stop()
            throw error
        }
        await client.shutDown()
        await database.server?.stop()
    }
}
