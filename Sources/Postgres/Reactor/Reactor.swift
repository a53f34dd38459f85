// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Synchronization

/// The side of the connections' thread that tasks see: an inbox and a doorbell.
final class Reactor: Sendable {
    private struct Inbox {
        var commands: [Command] = []
        /// Requests that are in the inbox or in the thread's backlog.
        var waiting = 0
        var isRung = false
        var isClosed = false
        var isStopped = false
        var stopWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private let inbox = Mutex(Inbox())
    private let doorbell: Doorbell
    private let queueLimit: Int
    /// Statements on the way at the end of the thread's last turn.
    let inFlight = Atomic(0)

    private init(doorbell: Doorbell, queueLimit: Int) {
        self.doorbell = doorbell
        self.queueLimit = queueLimit
    }

    /// Starts the thread, or returns `nil` when the process has no descriptor or thread left.
    static func start(_ configuration: PostgresConfiguration, logger: Logger) -> Reactor? {
        guard let doorbell = Doorbell() else { return nil }
        let reactor = Reactor(doorbell: doorbell, queueLimit: configuration.queueLimit)
        let started = Thread.start {
            EventLoop(configuration, reactor: reactor, doorbell: doorbell, logger: logger)?.run()
            reactor.didStop()
        }
        return started ? reactor : nil
    }

    /// Hands a request over, or says why not.
    func submit(_ request: Request) -> PostgresError? {
        let (refusal, mustRing): (PostgresError?, Bool) = inbox.withLock { inbox in
            guard !inbox.isClosed else { return (Self.closed, false) }
            guard inbox.waiting < queueLimit else {
                return (PostgresError(.overloaded, "\(queueLimit) statements wait already"), false)
            }
            inbox.waiting += 1
            inbox.commands.append(.submit(request))
            defer { inbox.isRung = true }
            return (nil, !inbox.isRung)
        }
        if mustRing { doorbell.ring() }
        return refusal
    }

    /// Hands a command over; returns false when the thread takes no more.
    @discardableResult
    func post(_ command: Command) -> Bool {
        let (isTaken, mustRing): (Bool, Bool) = inbox.withLock { inbox in
            // A closing session still has to finish its work.
            guard !inbox.isStopped else { return (false, false) }
            switch command {
            case .shutDown: inbox.isClosed = true
            case .openSession, .subscribe: if inbox.isClosed { return (false, false) }
            case .submit, .dropAbandoned, .perform, .awaitEnd, .closeSession, .unsubscribe: break
            }
            inbox.commands.append(command)
            defer { inbox.isRung = true }
            return (true, !inbox.isRung)
        }
        if mustRing { doorbell.ring() }
        return isTaken
    }

    static let closed = PostgresError(.closed, "the client was shut down")

    /// Suspends until the thread has ended.
    func stopped() async {
        await withCheckedContinuation { continuation in
            let isStopped = inbox.withLock { inbox in
                if !inbox.isStopped { inbox.stopWaiters.append(continuation) }
                return inbox.isStopped
            }
            if isStopped { continuation.resume() }
        }
    }

    /// Takes everything out of the inbox; called by the thread.
    func drain(placed: Int) -> [Command] {
        inbox.withLock { inbox in
            inbox.waiting -= placed
            inbox.isRung = false
            let commands = inbox.commands
            inbox.commands = []
            return commands
        }
    }

    /// The number of requests that are in the inbox or in the thread's backlog.
    var waiting: Int { inbox.withLock { $0.waiting } }

    private func didStop() {
        let (commands, waiters) = inbox.withLock { inbox in
            inbox.isClosed = true
            inbox.isStopped = true
            defer {
                inbox.commands = []
                inbox.stopWaiters = []
            }
            return (inbox.commands, inbox.stopWaiters)
        }
        for command in commands { command.refuse(with: Self.closed) }
        for waiter in waiters { waiter.resume() }
    }
}

extension Command {
    /// Answers whoever waits for the command.
    func refuse(with error: PostgresError) {
        switch self {
        case .submit(let request): request.reply.complete(.failure(error))
        case .openSession(_, _, let reply): reply.complete(.failure(error))
        case .perform(_, _, _, let reply): reply.complete(.failure(error))
        case .awaitEnd(_, let reply): reply.complete(.success(()))
        case .subscribe(_, _, let continuation): continuation.finish()
        case .dropAbandoned, .closeSession, .unsubscribe, .shutDown: break
        }
    }
}
