// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A connection lent by `PostgresClient.withConnection`; one statement at a time.
public final class PostgresSession: Sendable {
    init() {
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

    /// Runs several statements without parameters, as one transaction unless they say otherwise.
    public func script(_ sql: String, deadline: Duration? = nil) async throws(PostgresError) {
        throw PostgresError(.unavailable, "")
    }

    /// Runs `body` between BEGIN and COMMIT; rolls back when it throws.
    public nonisolated(nonsending) func transaction<Value>(_ body: () async throws -> Value) async throws -> Value {
        throw PostgresError(.unavailable, "")
    }

    /// Loads rows with `COPY table (columns) FROM STDIN (FORMAT binary)` and returns how many.
    public func copyIn(
        _ sql: String,
        columns: Int,
        rows: some Sequence<[PostgresValue]>,
        deadline: Duration? = nil
    ) async throws(PostgresError) -> Int {
        throw PostgresError(.unavailable, "")
    }
}
