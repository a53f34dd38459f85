// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One request at a time to a host, and a pause between two: shared by everything that asks strangers' servers.
public actor HostLimiter {
    /// More callers than this wait for one host: the one that came last is refused.
    public struct TooManyWaiting: Error {}

    private struct Waiter {
        let number: Int
        let turn: AsyncStream<Void>.Continuation
    }

    private struct Queue {
        /// Whose turn it is; the pause after it belongs to it.
        var holder: Int
        var waiting: [Waiter] = []
    }

    private let pause: Duration
    private let queueLimit: Int
    private var queues: [String: Queue] = [:]
    private var lastNumber = 0

    /// - Parameters:
    ///   - pause: between the end of a request and the start of the next to the same host.
    ///   - queueLimit: how many may wait for a host.
    public init(pause: Duration = .milliseconds(500), queueLimit: Int = 64) {
        self.pause = pause
        self.queueLimit = queueLimit
    }

    /// Runs an operation when the host's turn has come.
    ///
    /// A caller that is cancelled while it waits returns at once.
    /// - Throws: ``TooManyWaiting``, `CancellationError`, or what the operation throws.
    public func run<Value: Sendable>(
        host: String,
        _ operation: @Sendable () async throws -> Value
    ) async throws -> Value {
        lastNumber += 1
        let number = lastNumber
        try await takeTurn(host, number)
        do {
            let value = try await operation()
            endTurn(host)
            return value
        } catch {
            endTurn(host)
            throw error
        }
    }

    private func takeTurn(_ host: String, _ number: Int) async throws {
        guard let queue = queues[host] else {
            queues[host] = Queue(holder: number)
            return
        }
        guard queue.waiting.count < queueLimit else { throw TooManyWaiting() }
        let (turns, turn) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        queues[host]?.waiting.append(Waiter(number: number, turn: turn))
        var hasTurn = false
        for await _ in turns {
            hasTurn = true
            break
        }
        guard !hasTurn else { return }
        // Cancelled: give the turn on if it came at the same moment.
        queues[host]?.waiting.removeAll { $0.number == number }
        if queues[host]?.holder == number { next(host) }
        throw CancellationError()
    }

    private func endTurn(_ host: String) {
        guard pause > .zero else {
            next(host)
            return
        }
        // Outlives a cancelled caller: the pause protects the host.
        Task {
            try? await Task.sleep(for: pause)
            next(host)
        }
    }

    private func next(_ host: String) {
        while queues[host]?.waiting.isEmpty == false {
            guard let waiter = queues[host]?.waiting.removeFirst() else { break }
            queues[host]?.holder = waiter.number
            if case .enqueued = waiter.turn.yield() { return }
        }
        queues[host] = nil
    }

    /// How many hosts have requests under way or pauses to keep.
    public var busyHosts: Int { queues.count }
}
