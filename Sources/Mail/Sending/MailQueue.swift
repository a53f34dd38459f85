// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
internal import Metrics
public import ServiceLifecycle
internal import Synchronization

/// Delivers mails behind the requests that ask for them.
///
/// ``enqueue(_:)`` never waits and never throws: a request must not tell, by its time or its answer, whether a mail goes
/// out. Every mail is tried up to four times; addresses, codes and texts are in no log.
public final class MailQueue: Service {
    private let mailer: any Mailer
    private let capacity: Int
    private let retryDelays: [Duration]
    private let stopGrace: Duration
    private let logger: Logger
    private let sleep: @Sendable (Duration) async throws -> Void
    private let arrivals: AsyncStream<MailMessage>
    private let entrance: AsyncStream<MailMessage>.Continuation
    /// Mails that came and are neither delivered nor given up.
    private let pending = Mutex(0)

    /// - Parameters:
    ///   - capacity: how many mails may be on their way, those that wait for another attempt among them.
    ///   - retryDelays: how long to wait before each further attempt.
    ///   - stopGrace: how long deliveries may go on once the program is told to stop.
    public convenience init(
        _ mailer: any Mailer,
        capacity: Int = 1000,
        retryDelays: [Duration] = [.seconds(2), .seconds(10), .seconds(30)],
        stopGrace: Duration = .seconds(2),
        logger: Logger
    ) {
        self.init(mailer, capacity: capacity, retryDelays: retryDelays, stopGrace: stopGrace, logger: logger) {
            try await Task.sleep(for: $0)
        }
    }

    init(
        _ mailer: any Mailer,
        capacity: Int,
        retryDelays: [Duration],
        stopGrace: Duration,
        logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.mailer = mailer
        self.capacity = capacity
        self.retryDelays = retryDelays
        self.stopGrace = stopGrace
        self.logger = logger
        self.sleep = sleep
        // The bound is `capacity`, kept by `enqueue`.
        (arrivals, entrance) = AsyncStream.makeStream()
    }

    /// How many mails are on their way, for metrics.
    public var pendingCount: Int { pending.withLock { $0 } }

    /// Takes a mail for delivery.
    ///
    /// - Returns: false when there is no room or the program is stopping; the mail is lost and counted.
    @discardableResult
    public func enqueue(_ message: MailMessage) -> Bool {
        let hasRoom = pending.withLock { pending in
            guard pending < capacity else { return false }
            pending += 1
            return true
        }
        guard hasRoom else {
            drop(message, "full")
            return false
        }
        guard case .enqueued = entrance.yield(message) else {
            pending.withLock { $0 -= 1 }
            drop(message, "stopping")
            return false
        }
        return true
    }

    /// Delivers until the program stops; mails that wait for another attempt are then tried once more at once.
    public func run() async throws {
        await withTaskGroup { group in
            group.addTask {
                await withGracefulShutdownHandler {
                    await self.deliverAll()
                } onGracefulShutdown: {
                    self.entrance.finish()
                }
            }
            group.addTask {
                try? await gracefulShutdown()
                try? await self.sleep(self.stopGrace)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func deliverAll() async {
        await withDiscardingTaskGroup { group in
            for await message in arrivals {
                group.addTask { await self.deliver(message) }
            }
        }
        entrance.finish()
    }

    private func deliver(_ message: MailMessage) async {
        defer { pending.withLock { $0 -= 1 } }
        var delays = retryDelays[...]
        while true {
            let failure: MailFailure
            do {
                try await mailer.send(message)
                return count("sent", message, "none")
            } catch let error {
                failure = error
            }
            guard let delay = delays.popFirst(), !Task.isCancelled else { return fail(message, failure) }
            logger.info("a mail is tried again", metadata: metadata(message, failure))
            do {
                try await cancelWhenGracefulShutdown { try await self.sleep(delay) }
            } catch {
                // The program stops: one attempt more, now.
                delays = []
            }
        }
    }

    private func fail(_ message: MailMessage, _ failure: MailFailure) {
        count("failed", message, failure.reason)
        logger.warning("a mail could not be delivered", metadata: metadata(message, failure))
    }

    private func drop(_ message: MailMessage, _ reason: String) {
        count("dropped", message, reason)
        logger.warning(
            "a mail was dropped",
            metadata: ["purpose": "\(message.purpose.rawValue)", "reason": "\(reason)"]
        )
    }

    private func metadata(_ message: MailMessage, _ failure: MailFailure) -> Logger.Metadata {
        ["purpose": "\(message.purpose.rawValue)", "reason": "\(failure)"]
    }

    private func count(_ result: String, _ message: MailMessage, _ reason: String) {
        Counter(
            label: "mails_total",
            dimensions: [("result", result), ("reason", reason), ("purpose", message.purpose.rawValue)]
        ).increment()
    }
}

extension MailQueue {
    /// A queue for the configured provider.
    public convenience init(_ configuration: MailConfiguration, logger: Logger) {
        let mailer: any Mailer =
            if case .smtp(let server) = configuration.provider {
                SMTPMailer(server, sender: configuration.sender)
            } else {
                HTTPMailer(configuration)
            }
        self.init(mailer, logger: logger)
    }
}
