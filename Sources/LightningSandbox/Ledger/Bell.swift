// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Tells waiting streams that something has changed, without saying what.
///
/// Each listener has a queue of one: a ring that nobody has heard yet stands for all later ones, so a slow listener
/// costs nothing and misses nothing, because it then looks at the ledger itself.
struct Bell: Sendable {
    private let rings = Broadcast<Void>(.bufferingNewest(1))

    var listenerCount: Int { rings.listenerCount }

    func ring() { rings.send((), endsSlow: false) }

    /// Ends all listeners' streams, and those of later ones at once.
    func close() { rings.close() }

    /// Listens until the stream is dropped or its end is called for.
    func listen() -> (stream: AsyncStream<Void>, end: @Sendable () -> Void) { rings.listen() }
}
