// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import Synchronization

/// A bounded number of permits; those who find none wait in order.
final class Permits: Sendable {
    private struct State {
        var free: Int
        var waiters: Deque<PostgresReply<Void>> = []
    }

    private let state: Mutex<State>
    private let queueLimit: Int

    init(_ count: Int, queueLimit: Int) {
        state = Mutex(State(free: count))
        self.queueLimit = queueLimit
    }

    /// Takes a permit, waiting for one if need be.
    ///
    /// - Throws: `.overloaded` when too many wait, `.cancelled`.
    func acquire() async throws(PostgresError) {
        let reply = PostgresReply<Void>()
        try await reply.wait {
            let outcome: PostgresReply<Void>.Outcome? = state.withLock { state in
                if state.free > 0 {
                    state.free -= 1
                    return .success(())
                }
                guard state.waiters.count < queueLimit else {
                    return .failure(PostgresError(.overloaded, "\(queueLimit) callers wait for a session already"))
                }
                state.waiters.append(reply)
                return nil
            }
            if let outcome, !reply.complete(outcome), case .success = outcome { release() }
        } onCancel: {
            self.state.withLock { state in state.waiters.removeAll { $0 === reply } }
        }
    }

    /// Gives a permit back, to the first who waits.
    func release() {
        while true {
            let next = state.withLock { state in
                if state.waiters.isEmpty { state.free += 1 }
                return state.waiters.popFirst()
            }
            guard let next else { return }
            if next.complete(.success(())) { return }
        }
    }
}
