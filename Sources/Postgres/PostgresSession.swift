// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A connection lent by `PostgresClient.withConnection`; its operations run one after the other.
///
/// A statement that is not answered before its deadline, or whose task is cancelled, is cancelled on the server and ends
/// the session.
public final class PostgresSession: Sendable {
    private let id: SessionID
    private let reactor: Reactor
    private let configuration: PostgresConfiguration

    init(id: SessionID, reactor: Reactor, configuration: PostgresConfiguration) {
        self.id = id
        self.reactor = reactor
        self.configuration = configuration
    }

    /// Runs a statement and returns its rows.
    ///
    /// - Throws: see `PostgresError.Code`.
    public func query(
        _ statement: Statement,
        _ values: [PostgresValue] = [],
        deadline: Duration? = nil
    ) async throws(PostgresError) -> [Row] {
        let work = SessionOperation.query(statement.sql, try EncodedParameters(values))
        return try await perform(work, deadline ?? configuration.statementDeadline)?.rows ?? []
    }

    /// Runs a statement and returns how many rows it touched.
    ///
    /// - Throws: see `PostgresError.Code`.
    @discardableResult
    public func execute(
        _ statement: Statement,
        _ values: [PostgresValue] = [],
        deadline: Duration? = nil
    ) async throws(PostgresError) -> Int {
        let work = SessionOperation.query(statement.sql, try EncodedParameters(values))
        return try await perform(work, deadline ?? configuration.statementDeadline)?.affectedRows ?? 0
    }

    /// Runs several statements without parameters, as one transaction unless they say otherwise.
    ///
    /// - Throws: see `PostgresError.Code`.
    public func script(_ sql: String, deadline: Duration? = nil) async throws(PostgresError) {
        _ = try await perform(.script(sql), deadline ?? configuration.bulkDeadline)
    }

    /// Runs `body` between BEGIN and COMMIT, and rolls back when it throws.
    public nonisolated(nonsending) func transaction<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await script("BEGIN")
        let value: Value
        do {
            value = try await body()
        } catch {
            // A session that cannot roll back is closed soon, which rolls back too.
            try? await script("ROLLBACK")
            throw error
        }
        try await script("COMMIT")
        return value
    }

    /// Loads rows with a statement of the form `COPY table (columns) FROM STDIN (FORMAT binary)`.
    ///
    /// The values must have exactly the columns' types. All rows are loaded or none.
    /// - Returns: how many rows were loaded.
    /// - Throws: `.malformed` for a row with another number of columns; see `PostgresError.Code`.
    public func copyIn(
        _ sql: String,
        columns: Int,
        rows: some Sequence<[PostgresValue]>,
        deadline: Duration? = nil
    ) async throws(PostgresError) -> Int {
        let deadline = deadline ?? configuration.bulkDeadline
        _ = try await perform(.beginCopy(sql), deadline)
        var bytes = CopyFormat.header
        bytes.reserveCapacity(CopyFormat.pieceSize + 4096)
        for row in rows {
            guard row.count == columns else {
                _ = try? await perform(.endCopy(failure: "wrong number of columns"), deadline)
                throw PostgresError(.malformed, "a row of \(row.count) columns, expected \(columns)")
            }
            bytes.appendBigEndian(Int16(truncatingIfNeeded: columns))
            for value in row { bytes.appendField(value) }
            guard bytes.count >= CopyFormat.pieceSize else { continue }
            _ = try await perform(.copyData(bytes), deadline)
            bytes.removeAll(keepingCapacity: true)
        }
        bytes.append(contentsOf: CopyFormat.trailer)
        _ = try await perform(.copyData(bytes), deadline)
        return try await perform(.endCopy(failure: nil), deadline)?.affectedRows ?? 0
    }

    // MARK: Life

    /// Waits until the session has ended: its connection is lost, or it was closed.
    ///
    /// With it end its locks. A server that is gone without a word is noticed after a minute.
    /// - Throws: `.cancelled`.
    public func waitUntilEnded() async throws(PostgresError) {
        let reply = PostgresReply<Void>()
        try await reply.wait {
            if !reactor.post(.awaitEnd(id, reply)) { reply.complete(.success(())) }
        } onCancel: {
        }
    }

    func open() async throws(PostgresError) {
        let reply = PostgresReply<Void>()
        let deadline = ContinuousClock.now + configuration.connectTimeout
        try await reply.wait {
            if !reactor.post(.openSession(id, deadline: deadline, reply)) { reply.complete(.failure(Reactor.closed)) }
        } onCancel: { [self] in
            close()
        }
    }

    /// Ends the session; harmless when it has ended already.
    func close() { reactor.post(.closeSession(id)) }

    private func perform(_ work: SessionOperation, _ deadline: Duration) async throws(PostgresError) -> QueryResult? {
        let reply = PostgresReply<QueryResult?>()
        let instant = ContinuousClock.now + deadline
        return try await reply.wait {
            if !reactor.post(.perform(id, work, deadline: instant, reply)) {
                reply.complete(.failure(Reactor.closed))
            }
        } onCancel: { [self] in
            close()
        }
    }
}

/// The frame of binary COPY (PostgreSQL manual, "COPY", section "Binary Format").
private enum CopyFormat {
    /// Signature, no flags, no header extension.
    static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00] + [UInt8](repeating: 0, count: 8)
    /// A field count of -1.
    static let trailer: [UInt8] = [0xFF, 0xFF]
    /// How much is sent at a time.
    static let pieceSize = 64 * 1024
}
