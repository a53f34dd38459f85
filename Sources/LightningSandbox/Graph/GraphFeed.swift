// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Hands changes of the graph to every node's subscribers.
struct GraphFeed: Sendable {
    /// Changes that wait for a slow subscriber; one that has missed any may not go on as if it had not, so its stream ends.
    private static let mostWaiting = 4096

    private let changes = Broadcast<JSON>(.bufferingOldest(mostWaiting))

    func publish(_ change: JSON) { changes.send(change, endsSlow: true) }

    /// Ends all streams, and later ones at once.
    func close() { changes.close() }

    /// Listens until the stream is dropped or its end is called for.
    func listen() -> (stream: AsyncStream<JSON>, end: @Sendable () -> Void) { changes.listen() }
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
