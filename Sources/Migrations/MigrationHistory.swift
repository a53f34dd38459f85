// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The table that says which steps a database has: one for the gateway, one in each schema that has steps of its own.
struct MigrationHistory: Sendable {
    /// The command that applies the steps.
    let command: String
    let create: String
    let list: Statement
    let insert: Statement
    /// Held while steps are applied; every version uses the same number.
    let lockKey: Int64

    static let lock = Statement("migrations.lock", "SELECT pg_advisory_lock($1)::text")

    /// - Parameter schema: `nil` for the gateway's, which stands wherever the search path leads.
    init(schema: String?) {
        let prefix = schema.map { "\($0)." } ?? ""
        command = schema.map { "assay \($0) migrate" } ?? "assay migrate"
        // "assay" in ASCII, and the schema's letters after it.
        lockKey = (schema ?? "").utf8.prefix(3).reduce(0x61_7373_6179) { $0 << 8 | Int64($1) }
        let table = """
            CREATE TABLE IF NOT EXISTS \(prefix)schema_migrations (
                id          integer PRIMARY KEY,
                name        text NOT NULL,
                sha256      text NOT NULL,
                applied_at  timestamptz NOT NULL DEFAULT now(),
                duration_ms integer NOT NULL
            )
            """
        create = (schema.map { "CREATE SCHEMA IF NOT EXISTS \($0);\n" } ?? "") + table
        list = Statement(
            "\(prefix)migrations.list",
            "SELECT id, name, sha256, applied_at FROM \(prefix)schema_migrations"
        )
        insert = Statement(
            "\(prefix)migrations.insert",
            "INSERT INTO \(prefix)schema_migrations (id, name, sha256, duration_ms) VALUES ($1, $2, $3, $4)"
        )
    }
}
