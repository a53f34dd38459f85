// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Tells waiting streams that something has changed, without saying what.
///
/// Each listener has a queue of one: a ring that nobody has heard yet stands for all later ones, so a slow listener
/// costs nothing and misses nothing, because it then looks at the ledger itself.
final class Bell: Sendable {
    private struct State {
        var next: UInt64 = 0
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    var listenerCount: Int { state.withLock { $0.listeners.count } }

    func ring() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield() }
    }

    /// Ends all listeners' streams, and those of later ones at once.
    func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }

    /// Listens until the stream is dropped or its end is called for.
    ///
    /// - Returns: the rings, and a function that ends them.
    func listen() -> (rings: AsyncStream<Void>, end: @Sendable () -> Void) {
        let (rings, listener) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.listeners[state.next] = listener
            return state.next
        }
        guard let id else {
            listener.finish()
            return (rings, {})
        }
        listener.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return (rings, { listener.finish() })
    }
}
