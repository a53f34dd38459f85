// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import EmbeddedPostgres
import Migrations
import Postgres
import Settings

/// Brings the database's schema up to date.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Apply the migrations that the database does not have yet.",
        discussion: """
            Several programs may do this at once: one applies, the others wait. A migration that was changed after it was \
            applied, or one this program does not know, is refused.
            """
    )

    @Flag(help: "Only list what is applied and what is not.")
    var status = false

    @Flag(help: "Accept a database that a newer program has migrated.")
    var allowNewer = false

    func run() async throws {
        let settings = try Settings.load()
        let logger = Logs.start("assay.migrate", level: Logs.level(settings))
        let database = try await Database.open(settings, logger: logger)
        let client = try await database.client(
            application: "assay-migrate",
            connections: 1,
            settings: settings,
            logger: logger
        )
        defer { print("schema version expected: \(Migrator.expectedVersion)") }
        if status {
            for entry in try await Migrator(client: client, logger: logger).status() {
                print("\(entry.id)\t\(entry.name)\t\(entry.state)")
            }
        } else {
            let applied = try await Database.migrate(client, allowsNewer: allowNewer, logger: logger)
            for migration in applied { print("applied \(migration.id) \(migration.name)") }
            if applied.isEmpty { print("nothing to do") }
        }
        await client.shutDown()
        await database.server?.stop()
    }
}
