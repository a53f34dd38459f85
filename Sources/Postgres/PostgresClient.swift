// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import ServiceLifecycle

/// A PostgreSQL client: a few pipelined connections shared by all callers.
public final class PostgresClient: Service, Sendable {
    /// Starts connecting.
    public init(_ configuration: PostgresConfiguration, logger: Logger) {
    }

    /// Runs until graceful shutdown.
    public func run() async throws {
    }

    /// Runs a statement and returns its rows.
    public func query(
        _ statement: Statement,
        _ values: [PostgresValue] = [],
        deadline: Duration? = nil
    ) async throws(PostgresError) -> [Row] {
        throw PostgresError(.unavailable, "")
    }

    /// Runs a statement and returns how many rows it touched.
    @discardableResult
    public func execute(
        _ statement: Statement,
        _ values: [PostgresValue] = [],
        deadline: Duration? = nil
    ) async throws(PostgresError) -> Int {
        throw PostgresError(.unavailable, "")
    }

    /// Lends a connection of its own: transactions, COPY, temporary tables, advisory locks.
    public nonisolated(nonsending) func withConnection<Value>(
        _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        throw PostgresError(.unavailable, "")
    }

    /// Subscribes to a channel; the first element is `.reconnected`.
    public func listen(_ channel: String) -> AsyncStream<PostgresNotification> {
        AsyncStream { $0.finish() }
    }

    /// Ends the client outside of a service group.
    public func shutDown() async {
    }
}
