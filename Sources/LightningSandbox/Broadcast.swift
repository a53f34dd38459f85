// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Hands what happens to every listener's own stream.
final class Broadcast<Element: Sendable>: Sendable {
    private struct State {
        var next: UInt64 = 0
        var listeners: [UInt64: AsyncStream<Element>.Continuation] = [:]
        var isClosed = false
    }

    private let policy: AsyncStream<Element>.Continuation.BufferingPolicy
    private let state = Mutex(State())

    /// - Parameter policy: what happens to a listener that is slow.
    init(_ policy: AsyncStream<Element>.Continuation.BufferingPolicy) { self.policy = policy }

    var listenerCount: Int { state.withLock { $0.listeners.count } }

    /// Tells all listeners.
    ///
    /// - Parameter endsSlow: whether the stream of a listener that misses something ends.
    func send(_ element: Element, endsSlow: Bool) {
        for listener in state.withLock({ Array($0.listeners.values) }) {
            if case .dropped = listener.yield(element), endsSlow { listener.finish() }
        }
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
    /// - Returns: what happens from now on, and a function that ends it.
    func listen() -> (stream: AsyncStream<Element>, end: @Sendable () -> Void) {
        let (stream, listener) = AsyncStream.makeStream(of: Element.self, bufferingPolicy: policy)
        let id: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.listeners[state.next] = listener
            return state.next
        }
        guard let id else {
            listener.finish()
            return (stream, {})
        }
        listener.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return (stream, { listener.finish() })
    }
}
