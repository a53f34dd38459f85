// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Synchronization

/// Hands changes of the graph to every node's subscribers.
final class GraphFeed: Sendable {
    private struct State {
        var next: UInt64 = 0
        var listeners: [UInt64: AsyncStream<JSON>.Continuation] = [:]
        var isClosed = false
    }

    /// Changes that wait for a slow subscriber; its stream ends when there are more.
    private static let mostWaiting = 4096

    private let state = Mutex(State())

    func publish(_ change: JSON) {
        for listener in state.withLock({ Array($0.listeners.values) }) {
            // A subscriber that has missed one may not go on as if it had not.
            if case .dropped = listener.yield(change) { listener.finish() }
        }
    }

    /// Ends all streams, and later ones at once.
    func close() {
        let listeners = state.withLock { state in
            state.isClosed = true
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.finish() }
    }

    /// Listens until the stream is dropped or its end is called for.
    func listen() -> (changes: AsyncStream<JSON>, end: @Sendable () -> Void) {
        let (changes, listener) = AsyncStream.makeStream(
            of: JSON.self,
            bufferingPolicy: .bufferingOldest(Self.mostWaiting)
        )
        let id: UInt64? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.listeners[state.next] = listener
            return state.next
        }
        guard let id else {
            listener.finish()
            return (changes, {})
        }
        listener.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return (changes, { listener.finish() })
    }
}

/// The changes of the graph from now on.
actor GraphEvents: EventSource {
    private let changes: AsyncStream<JSON>
    private let endChanges: @Sendable () -> Void

    init(_ feed: GraphFeed) { (changes, endChanges) = feed.listen() }

    func next() async -> JSON? {
        for await change in changes { return change }
        return nil
    }

    nonisolated func end() { endChanges() }
}
