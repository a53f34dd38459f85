// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
internal import Metrics
public import ServiceLifecycle
internal import Synchronization

/// What a quorum of time servers says of this machine's clock.
public enum ClockVerdict: Sendable, Equatable {
    case right
    /// So many seconds must be added to the clock.
    case wrong(offsetSeconds: Double)
    /// Too few servers agree, for this reason: the clock is not judged.
    case noQuorum(String)
}

/// Has the clock judged by others, at the start and ever again, and remembers the last verdict.
public final class ClockWatch: Service, Sendable {
    private let check: @Sendable () async -> ClockVerdict
    private let interval: Duration
    private let retry: Duration
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        var isRight = true
        /// Checks one after the other without a quorum.
        var unanswered = 0
        var hasChecked = false
    }

    /// Makes a watch; until its first verdict the clock counts as right.
    ///
    /// - Parameters:
    ///   - interval: from one verdict to the next check.
    ///   - retry: until the next check while the clock is wrong; doubles from check to check while there is no quorum.
    public init(
        interval: Duration = .seconds(900),
        retry: Duration = .seconds(60),
        logger: Logger,
        check: @escaping @Sendable () async -> ClockVerdict
    ) {
        self.check = check
        self.interval = interval
        self.retry = retry
        self.logger = logger
        Gauge(label: "clock_ok").record(1)
    }

    /// Whether the last quorum found the clock right.
    public var isClockRight: Bool { state.withLock { $0.isRight } }

    /// Checks until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            if !self.state.withLock({ $0.hasChecked }) { await self.judge() }
            while !Task.isCancelled {
                try? await Task.sleep(for: self.wait)
                if !Task.isCancelled { await self.judge() }
            }
        }
    }

    /// Checks once, and takes the verdict.
    ///
    /// Done before the service runs, this takes the place of its first check.
    @discardableResult
    public func judge() async -> ClockVerdict {
        let verdict = await check()
        take(verdict)
        return verdict
    }

    /// How long the next check is put off.
    var wait: Duration {
        state.withLock { state in
            if !state.isRight { return min(retry, interval) }
            guard state.unanswered > 0 else { return interval }
            return min(retry * (1 << min(state.unanswered - 1, 16)), interval)
        }
    }

    private func take(_ verdict: ClockVerdict) {
        let before = state.withLock { state in
            defer { state.hasChecked = true }
            let before = state.isRight
            switch verdict {
            case .right: (state.isRight, state.unanswered) = (true, 0)
            case .wrong: (state.isRight, state.unanswered) = (false, 0)
            case .noQuorum: state.unanswered += 1
            }
            return before
        }
        Gauge(label: "clock_ok").record(isClockRight ? 1 : 0)
        Counter(label: "clock_checks_total", dimensions: [("result", verdict.label)]).increment()
        switch verdict {
        case .right where !before: logger.notice("the clock is right again; tokens and invoices are made")
        case .right: logger.debug("the clock is right")
        case .wrong(let offset):
            logger.critical(
                "the clock is wrong by a quorum of time servers; no tokens and no invoices are made",
                metadata: ["clock.offset_seconds": "\(offset)"]
            )
        case .noQuorum(let reason):
            logger.warning(
                "the clock cannot be judged; the last verdict stays",
                metadata: ["clock.reason": "\(reason)", "clock.ok": "\(before)"]
            )
        }
    }
}

extension ClockVerdict {
    var label: String {
        switch self {
        case .right: "right"
        case .wrong: "wrong"
        case .noQuorum: "no_quorum"
        }
    }
}
