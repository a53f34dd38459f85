// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
internal import Migrations
public import Postgres

/// Databases for tests: each test has its own, so tests run in parallel.
public enum TestDatabase {
    /// Makes an empty database and returns its connection string.
    public static func empty() async throws -> String {
        try await TestCluster.shared.makeDatabase(template: nil) { _ in }
    }

    /// Makes a database with the schema of this build and returns its connection string.
    ///
    /// It is copied from a template that is migrated once per process.
    public static func migrated() async throws -> String {
        try await TestCluster.shared.makeDatabase(template: "assay_template") { url in
            try await withClient(of: url, connections: 1) { client in
                _ = try await Migrator(client: client, logger: silentLogger).migrate()
            }
        }
    }

    /// Makes a database with the signer's schema and returns its connection string.
    public static func signer() async throws -> String {
        try await TestCluster.shared.makeDatabase(template: "signer_template") { url in
            try await withClient(of: url, connections: 1) { client in
                _ = try await Migrator.signer(client: client, logger: silentLogger).migrate()
            }
        }
    }

    /// Makes a database with the tables of a key share node and returns its connection string.
    public static func keyshare() async throws -> String {
        try await TestCluster.shared.makeDatabase(template: "keyshare_template") { url in
            try await withClient(of: url, connections: 1) { client in
                _ = try await Migrator.keyshare(client: client, logger: silentLogger).migrate()
            }
        }
    }

    /// Calls `body` with a client of a new empty database and ends the client afterwards.
    @discardableResult
    public static func withEmpty<Value: Sendable>(
        connections: Int = 2,
        _ body: @Sendable (PostgresClient) async throws -> Value
    ) async throws -> Value {
        try await withClient(of: empty(), connections: connections, body)
    }

    /// Calls `body` with a client of a new database with the schema of this build and ends the client afterwards.
    @discardableResult
    public static func withMigrated<Value: Sendable>(
        connections: Int = 2,
        _ body: @Sendable (PostgresClient) async throws -> Value
    ) async throws -> Value {
        try await withClient(of: migrated(), connections: connections, body)
    }

    /// Calls `body` with a client and ends the client afterwards.
    @discardableResult
    public static func withClient<Value: Sendable>(
        of connectionString: String,
        connections: Int = 2,
        _ body: @Sendable (PostgresClient) async throws -> Value
    ) async throws -> Value {
        let configuration = PostgresConfiguration(
            connectionString: connectionString,
            connections: connections,
            applicationName: "test"
        )
        return try await withClient(configuration, body)
    }

    /// Calls `body` with a client and ends the client afterwards; statements get 30 s, because the machine may be busy.
    @discardableResult
    public static func withClient<Value: Sendable>(
        _ configuration: PostgresConfiguration,
        _ body: @Sendable (PostgresClient) async throws -> Value
    ) async throws -> Value {
        var configuration = configuration
        configuration.statementDeadline = .seconds(30)
        configuration.connectTimeout = .seconds(30)
        let client = PostgresClient(configuration, logger: silentLogger)
        do {
            let value = try await body(client)
            await client.shutDown()
            return value
        } catch {
            await client.shutDown()
            throw error
        }
    }

    /// A logger that says nothing.
    public static var silentLogger: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
