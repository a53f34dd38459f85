// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Calls what is due, for all deadlines of the process with one timer.
///
/// Almost no deadline is ever reached, so setting and forgetting one must cost little: both are a look-up under a lock. A
/// timer of the system for each would cost several system calls. Deadlines are kept to 10 ms.
final class DeadlineWatch: Sendable {
    static let shared = DeadlineWatch()

    /// A deadline that has been set.
    struct Watch: Sendable {
        fileprivate let tick: Int64
        fileprivate let id: UInt64
    }

    private struct State {
        /// What to call, by the tick in which it is due.
        var due: [Int64: [UInt64: @Sendable () -> Void]] = [:]
        var lastID: UInt64 = 0
        /// When the sleeper wakes; nobody sleeps when it is `nil`.
        var wakes: Int64?
        var sleeper: Task<Void, Never>?
    }

    private let state = Mutex(State())
    private let start = ContinuousClock.now
    private let tickLength = Duration.milliseconds(10)

    /// Calls once the time is up, unless it has been ended before.
    func watch(for time: Duration, _ call: @escaping @Sendable () -> Void) -> Watch {
        let tick = tick(.now + max(time, .zero)) + 1
        return state.withLock { state in
            state.lastID += 1
            state.due[tick, default: [:]][state.lastID] = call
            if tick < state.wakes ?? .max { sleep(until: tick, &state) }
            return Watch(tick: tick, id: state.lastID)
        }
    }

    /// Forgets a deadline.
    /// - Returns: false when it has been reached.
    func end(_ watch: Watch) -> Bool {
        state.withLock { state in
            let call = state.due[watch.tick]?.removeValue(forKey: watch.id)
            if state.due[watch.tick]?.isEmpty == true { state.due[watch.tick] = nil }
            return call != nil
        }
    }

    private func tick(_ instant: ContinuousClock.Instant) -> Int64 { Int64((instant - start) / tickLength) }

    private func sleep(until tick: Int64, _ state: inout State) {
        state.sleeper?.cancel()
        state.wakes = tick
        state.sleeper = Task.detached { [self] in
            do {
                try await Task.sleep(until: start + tickLength * Int(tick), clock: .continuous)
                callDue()
            } catch {
                // Another sleeps for an earlier deadline.
            }
        }
    }

    private func callDue() {
        let now = tick(.now)
        let calls = state.withLock { state in
            let ticks = state.due.keys.filter { $0 <= now }
            let calls = ticks.flatMap { (state.due.removeValue(forKey: $0) ?? [:]).values }
            state.wakes = nil
            state.sleeper = nil
            if let next = state.due.keys.min() { sleep(until: next, &state) }
            return calls
        }
        for call in calls { call() }
    }
}
