// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Logging
internal import Synchronization

/// The connections' thread: everything in here and in the links is touched by that thread alone.
///
/// One turn: wait for sockets, doorbell or the next deadline; read answers; take commands; place waiting statements on
/// the least loaded connections; flush each connection once; end what ran out of time.
final class EventLoop {
    let configuration: PostgresConfiguration
    let poller: Poller
    let logger: Logger
    let metadata: Logger.Metadata
    /// The start of the turn.
    private(set) var now = ContinuousClock.now
    /// Why the last connection or attempt ended, for the errors of statements that never got one.
    var lastError: PostgresError?

    private let reactor: Reactor
    private let doorbell: Doorbell
    private let instruments: Instruments
    private var links: [UInt64: Link] = [:]
    private var pipelines: [PipelineLink] = []
    private var sessions: [SessionID: SessionLink] = [:]
    private var listener: ListenLink?
    private var lastToken = EventLoop.doorbellToken
    private var backlog: Deque<Request> = []
    /// A lower bound of the deadlines in `backlog`.
    private var earliestDeadline: ContinuousClock.Instant?
    /// Requests that left the backlog since the reactor was told.
    private var placed = 0
    private var stopDeadline: ContinuousClock.Instant?

    private static let doorbellToken: UInt64 = 0

    /// Returns `nil` when the process has no descriptor left.
    init?(_ configuration: PostgresConfiguration, reactor: Reactor, doorbell: Doorbell, logger: Logger) {
        guard let poller = Poller() else { return nil }
        self.configuration = configuration
        self.reactor = reactor
        self.doorbell = doorbell
        self.poller = poller
        self.logger = logger
        metadata = ["db.pool": "\(configuration.applicationName)"]
        instruments = Instruments(pool: configuration.applicationName)
    }

    /// Runs until it is told to stop and has finished or given up its work.
    func run() {
        poller.watch(doorbell.descriptor, for: .read, token: Self.doorbellToken)
        for _ in 0..<configuration.connections {
            let link = PipelineLink(token: nextToken(), loop: self)
            pipelines.append(link)
            links[link.token] = link
        }
        expire()
        while !isFinished { turn() }
        tearDown()
    }

    private func turn() {
        poller.wait(until: nextDeadline()) { token in
            if token == Self.doorbellToken {
                doorbell.reset()
            } else {
                links[token]?.ready()
            }
        }
        now = .now
        for command in reactor.drain(placed: placed) { handle(command) }
        placed = 0
        place()
        for link in pipelines { link.flush() }
        expire()
        recordGauges()
    }

    // MARK: Commands

    private func handle(_ command: Command) {
        switch command {
        case .submit(let request): enqueue(request)
        case .dropAbandoned: dropAbandoned()
        case .openSession(let id, let deadline, let reply):
            let link = SessionLink(id: id, deadline: deadline, reply: reply, token: nextToken(), loop: self)
            sessions[id] = link
            links[link.token] = link
        case .perform(let id, let work, let deadline, let reply):
            guard let session = sessions[id] else {
                return command.refuse(with: PostgresError(.closed, "the session has ended"))
            }
            session.perform(work, deadline: deadline, reply: reply)
        case .awaitEnd(let id, let reply):
            guard let session = sessions[id] else { return command.refuse(with: Reactor.closed) }
            session.awaitEnd(reply)
        case .closeSession(let id):
            guard let session = sessions.removeValue(forKey: id) else { return }
            session.finish(PostgresError(.closed, "the session has ended"))
            links[session.token] = nil
        case .subscribe(let id, let channel, let continuation):
            openListener().subscribe(id, channel: channel, continuation)
        case .unsubscribe(let id): listener?.unsubscribe(id)
        case .shutDown(let grace):
            // The first word counts, except that a later one may shorten the grace.
            stopDeadline = min(stopDeadline ?? now + grace, now + grace)
        }
    }

    private func openListener() -> ListenLink {
        if let listener { return listener }
        let link = ListenLink(token: nextToken(), loop: self)
        listener = link
        links[link.token] = link
        return link
    }

    private func nextToken() -> UInt64 {
        lastToken += 1
        return lastToken
    }

    // MARK: The backlog

    private func enqueue(_ request: Request) {
        backlog.append(request)
        earliestDeadline = min(earliestDeadline ?? request.deadline, request.deadline)
    }

    /// Puts a statement that was never run back to the front.
    func requeue(_ request: Request) {
        backlog.prepend(request)
        placed -= 1
        earliestDeadline = min(earliestDeadline ?? request.deadline, request.deadline)
    }

    private func place() {
        while let link = leastLoaded(), let request = backlog.popFirst() {
            placed += 1
            guard !request.reply.isAbandoned else { continue }
            guard link.send(request) else {
                requeue(request)
                if let connection = link.connection { link.lose(connection) }
                continue
            }
        }
        if backlog.isEmpty { earliestDeadline = nil }
    }

    private func leastLoaded() -> PipelineLink? {
        guard !backlog.isEmpty else { return nil }
        var best: PipelineLink?
        for link in pipelines where link.connection != nil && link.load < configuration.depth {
            if link.load < best?.load ?? .max { best = link }
        }
        return best
    }

    private func dropAbandoned() {
        let before = backlog.count
        backlog.removeAll { $0.reply.isAbandoned }
        placed += before - backlog.count
    }

    /// Answers the caller and counts the statement.
    func complete(_ request: Request, _ outcome: Result<QueryResult, PostgresError>) {
        request.reply.complete(outcome)
        let isFailed = if case .failure = outcome { true } else { false }
        instruments.record(request.statement, took: request.submitted.duration(to: now), failed: isFailed)
    }

    // MARK: Deadlines

    private func nextDeadline() -> ContinuousClock.Instant? {
        var next = earliestDeadline
        if let stopDeadline { next = min(next ?? stopDeadline, stopDeadline) }
        for link in links.values {
            if let deadline = link.nextDeadline { next = min(next ?? deadline, deadline) }
        }
        return next
    }

    private func expire() {
        for link in links.values { link.expire(at: now) }
        guard let earliestDeadline, earliestDeadline <= now else { return }
        let reason = lastError.map { "no connection: \($0.detail)" } ?? "no place on a connection before the deadline"
        let error = PostgresError(.unavailable, reason)
        for request in backlog where request.deadline <= now { complete(request, .failure(error)) }
        let before = backlog.count
        backlog.removeAll { $0.deadline <= now }
        placed += before - backlog.count
        self.earliestDeadline = backlog.lazy.map(\.deadline).min()
    }

    // MARK: Stopping

    private var isFinished: Bool {
        guard let stopDeadline else { return false }
        if stopDeadline <= now { return true }
        return backlog.isEmpty && sessions.isEmpty && pipelines.allSatisfy { $0.load == 0 }
    }

    private func tearDown() {
        for request in backlog { complete(request, .failure(Reactor.closed)) }
        for link in links.values {
            link.retire(PostgresError(.connectionLost(retrySafe: false), "the client was shut down"))
        }
        // Links and loop hold each other.
        links = [:]
        pipelines = []
        sessions = [:]
        listener = nil
    }

    private func recordGauges() {
        let inFlight = pipelines.reduce(0) { $0 + $1.load }
        reactor.inFlight.store(inFlight, ordering: .relaxed)
        instruments.record(
            inFlight: inFlight,
            waiting: reactor.waiting,
            connections: pipelines.count { $0.connection != nil }
        )
    }
}
