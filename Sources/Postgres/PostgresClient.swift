// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ
public import Logging
public import ServiceLifecycle
internal import Synchronization

/// A PostgreSQL client: a few pipelined connections shared by all callers, driven by one thread.
///
/// It connects from the moment it is made; statements wait for the first connection. As a service it ends with graceful
/// shutdown, after the statements under way; outside of a service group call `shutDown`. Register it before the services
/// that use it, because services stop in reverse order.
public final class PostgresClient: Service, Sendable {
    private let configuration: PostgresConfiguration
    private let reactor: Reactor?
    private let sessionPermits: Permits
    private let lastNumber = Atomic<UInt64>(0)

    /// Starts connecting.
    public init(_ configuration: PostgresConfiguration, logger: Logger) {
        self.configuration = configuration
        sessionPermits = Permits(configuration.sessionLimit, queueLimit: configuration.queueLimit)
        let isReadable = configuration.connectionString.isEmpty || LibPQ.canParse(configuration.connectionString)
        reactor = isReadable ? Reactor.start(configuration, logger: logger) : nil
    }

    deinit { reactor?.post(.shutDown(grace: .zero)) }

    /// Runs until graceful shutdown or cancellation.
    public func run() async throws {
        try? await gracefulShutdown()
        await shutDown()
    }

    /// Ends the client: takes no more statements, waits for those under way as long as one may take, closes.
    public func shutDown() async {
        guard let reactor else { return }
        reactor.post(.shutDown(grace: configuration.statementDeadline))
        await reactor.stopped()
    }

    /// Waits until the database answers.
    ///
    /// - Throws: `.unavailable` with the reason of the last attempt when it does not within the timeout.
    public func waitUntilReady(timeout: Duration = .seconds(30)) async throws(PostgresError) {
        _ = try await query(Statement("ready", "SELECT 1"), deadline: timeout)
    }

    /// Runs a statement as a transaction of its own and returns its rows.
    ///
    /// - Throws: see `PostgresError.Code`; `isRetryable` tells whether it may be sent again.
    public func query(
        _ statement: Statement,
        _ values: [PostgresValue] = [],
        deadline: Duration? = nil
    ) async throws(PostgresError) -> [Row] {
        try await run(statement, values, deadline).rows
    }

    /// Runs a statement as a transaction of its own and returns how many rows it touched.
    ///
    /// - Throws: see `PostgresError.Code`; `isRetryable` tells whether it may be sent again.
    @discardableResult
    public func execute(
        _ statement: Statement,
        _ values: [PostgresValue] = [],
        deadline: Duration? = nil
    ) async throws(PostgresError) -> Int {
        try await run(statement, values, deadline).affectedRows
    }

    private func run(
        _ statement: Statement,
        _ values: [PostgresValue],
        _ deadline: Duration?
    ) async throws(PostgresError) -> QueryResult {
        let reactor = try runningReactor()
        let now = ContinuousClock.now
        let reply = PostgresReply<QueryResult>()
        let request = Request(
            statement: statement,
            parameters: try EncodedParameters(values),
            submitted: now,
            deadline: now + (deadline ?? configuration.statementDeadline),
            reply: reply
        )
        return try await reply.wait {
            if let refusal = reactor.submit(request) { reply.complete(.failure(refusal)) }
        } onCancel: {
            reactor.post(.dropAbandoned)
        }
    }

    /// Lends a connection of its own: transactions, COPY, temporary tables, advisory locks.
    ///
    /// The connection is opened for the body and closed after it, so nothing is left for the next one. At most
    /// `sessionLimit` are lent at a time; others wait their turn.
    public nonisolated(nonsending) func withConnection<Value>(
        _ body: (PostgresSession) async throws -> Value
    ) async throws -> Value {
        let reactor = try runningReactor()
        try await sessionPermits.acquire()
        defer { sessionPermits.release() }
        let session = PostgresSession(id: nextID(), reactor: reactor, configuration: configuration)
        defer { session.close() }
        try await session.open()
        return try await body(session)
    }

    /// Subscribes to a channel.
    ///
    /// The first element is `.reconnected`, once the subscription is in place. A subscriber that falls 1024
    /// notifications behind loses the oldest and is told so by `.reconnected`. The stream ends with the client.
    public func listen(_ channel: String) -> AsyncStream<PostgresNotification> {
        let id = nextID()
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self,
            bufferingPolicy: .bufferingNewest(1024)
        )
        guard let reactor, reactor.post(.subscribe(id, channel: channel, continuation)) else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { _ in reactor.post(.unsubscribe(id)) }
        return stream
    }

    /// Statements on the way to the server.
    var inFlight: Int { reactor?.inFlight.load(ordering: .relaxed) ?? 0 }

    private func nextID() -> SessionID {
        SessionID(number: lastNumber.add(1, ordering: .relaxed).newValue)
    }

    private func runningReactor() throws(PostgresError) -> Reactor {
        guard let reactor else {
            throw PostgresError(
                .invalidConfiguration,
                "the connection string is neither a postgresql:// URL nor key=value pairs"
            )
        }
        return reactor
    }
}
