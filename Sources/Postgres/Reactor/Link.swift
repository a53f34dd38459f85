// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import Logging

/// One connection and its way from disconnected to ready and back; belongs to the connections' thread.
///
/// Subclasses say what a ready connection does. A link outlives its connection: it reconnects with backoff until it is
/// retired.
class Link {
    enum State {
        /// No connection; the next attempt is due at the instant.
        case waiting(until: ContinuousClock.Instant)
        /// `PQconnectPoll` is under way.
        case connecting(OpaquePointer, deadline: ContinuousClock.Instant)
        case ready(OpaquePointer)
        /// For good.
        case retired
    }

    let token: UInt64
    let loop: EventLoop
    private(set) var state: State
    private var backoff = Backoff()
    private var descriptor: Int32 = -1
    private var interest: Poller.Interest = []
    private var wasReady = false

    init(token: UInt64, loop: EventLoop) {
        self.token = token
        self.loop = loop
        state = .waiting(until: loop.now)
    }

    /// Whether a lost connection is to be replaced.
    var reconnects: Bool { true }

    /// The connection, if it is ready.
    var connection: OpaquePointer? {
        guard case .ready(let connection) = state else { return nil }
        return connection
    }

    // MARK: What subclasses do

    /// The connection is ready for the first statement.
    func didConnect(_ connection: OpaquePointer) {}
    /// There may be input; reads it and returns false when the connection is lost.
    func read(_ connection: OpaquePointer) -> Bool { PQconsumeInput(connection) == 1 }
    /// The socket took everything that was to be sent.
    func didFlush(_ connection: OpaquePointer) {}
    /// The connection is gone.
    func didLose(_ error: PostgresError) {}
    /// The next instant at which something of the subclass runs out, as a lower bound.
    var workDeadline: ContinuousClock.Instant? { nil }
    /// Ends what has run out.
    func expireWork(at now: ContinuousClock.Instant) {}

    // MARK: Events

    /// Handles readiness of the descriptor.
    final func ready() {
        switch state {
        case .connecting(let connection, let deadline): poll(connection, deadline: deadline)
        case .ready(let connection):
            let isAlive = read(connection)
            // Reading may have ended the connection.
            guard case .ready = state else { return }
            guard isAlive, PQstatus(connection) == CONNECTION_OK else { return lose(connection) }
            flush()
        case .waiting, .retired: break
        }
    }

    /// The next instant at which the link wants `expire` to be called.
    final var nextDeadline: ContinuousClock.Instant? {
        switch state {
        case .waiting(let until): until
        case .connecting(_, let deadline): deadline
        case .ready: workDeadline
        case .retired: nil
        }
    }

    /// Starts, gives up or ends whatever is due.
    final func expire(at now: ContinuousClock.Instant) {
        switch state {
        case .waiting(let until): if until <= now { connect() }
        case .connecting(let connection, let deadline):
            guard deadline <= now else { return }
            close(connection, PostgresError(.unavailable, "no connection within \(loop.configuration.connectTimeout)"))
        case .ready: expireWork(at: now)
        case .retired: break
        }
    }

    /// Sends what libpq has buffered, as far as the socket takes it.
    final func flush() {
        guard case .ready(let connection) = state else { return }
        switch PQflush(connection) {
        case 0:
            watch(connection, [.read])
            didFlush(connection)
        case 1: watch(connection, [.read, .write])
        default: lose(connection)
        }
    }

    // MARK: Connecting

    private func connect() {
        guard let connection = LibPQ.startConnecting(loop.configuration) else {
            return retire(PostgresError(.unavailable, "libpq is out of memory"))
        }
        guard PQstatus(connection) != CONNECTION_BAD else { return close(connection, LibPQ.connectError(connection)) }
        let deadline = loop.now + loop.configuration.connectTimeout
        state = .connecting(connection, deadline: deadline)
        watch(connection, [.write])
    }

    private func poll(_ connection: OpaquePointer, deadline: ContinuousClock.Instant) {
        // libpq may close the socket and open another under the same number, which epoll would not notice.
        loop.poller.forget(descriptor)
        interest = []
        switch PQconnectPoll(connection) {
        case PGRES_POLLING_READING: watch(connection, [.read])
        case PGRES_POLLING_WRITING: watch(connection, [.write])
        case PGRES_POLLING_OK:
            guard PQsetnonblocking(connection, 1) == 0 else {
                return close(connection, LibPQ.connectError(connection))
            }
            state = .ready(connection)
            backoff.reset()
            if !wasReady { loop.logger.debug("database connection ready", metadata: loop.metadata) }
            wasReady = true
            watch(connection, [.read])
            didConnect(connection)
            flush()
        default: close(connection, LibPQ.connectError(connection))
        }
    }

    private func watch(_ connection: OpaquePointer, _ wanted: Poller.Interest) {
        let current = PQsocket(connection)
        guard current != descriptor || wanted != interest else { return }
        if current != descriptor { loop.poller.forget(descriptor) }
        descriptor = current
        interest = wanted
        loop.poller.watch(current, for: wanted, token: token)
    }

    // MARK: Ending

    /// Ends a connection that libpq found broken.
    final func lose(_ connection: OpaquePointer) {
        close(connection, PostgresError(.connectionLost(retrySafe: false), LibPQ.message(of: connection)))
    }

    /// Closes the connection and, unless the link is not to reconnect, plans the next attempt.
    final func close(_ connection: OpaquePointer, _ error: PostgresError) {
        loop.poller.forget(descriptor)
        descriptor = -1
        interest = []
        PQfinish(connection)
        loop.lastError = error
        if wasReady {
            var metadata = loop.metadata
            metadata["db.error"] = "\(error)"
            loop.logger.warning("database connection lost", metadata: metadata)
        }
        wasReady = false
        if reconnects {
            var generator = SystemRandomNumberGenerator()
            state = .waiting(until: loop.now + backoff.next(using: &generator))
        } else {
            state = .retired
        }
        didLose(error)
    }

    /// Ends the link for good, without a word in the log.
    final func retire(_ error: PostgresError) {
        switch state {
        case .connecting(let connection, _), .ready(let connection):
            loop.poller.forget(descriptor)
            PQfinish(connection)
        case .waiting: break
        case .retired: return
        }
        state = .retired
        didLose(error)
    }
}
