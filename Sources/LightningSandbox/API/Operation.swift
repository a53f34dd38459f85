// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// What a call does once its arguments are read and its macaroon is checked.
enum Operation: Sendable {
    /// One answer.
    case unary(@Sendable () async throws -> JSON)
    /// Events, each a line `{"result": ...}`.
    case stream(@Sendable () async throws -> any EventSource)
    /// A JSON document passed on as it comes.
    case document(@Sendable () throws -> any ByteSource)
}

/// A stream of events that is asked for them one by one.
protocol EventSource: AnyObject, Sendable {
    /// The next event; `nil` at the end. Waits as long as it takes.
    func next() async throws -> JSON?
    /// Makes a waiting ``next()``, and all later ones, return `nil`.
    func end()
}

extension EventSource {
    /// Ends the events with a connection, which does not keep them until then: it may have many streams in its time.
    func end(with closing: EventLoopFuture<Void>) {
        closing.whenComplete { [weak self] _ in self?.end() }
    }
}

/// A document that comes in pieces.
protocol ByteSource: Sendable {
    /// The next piece; `nil` at the end. Blocks, so it is called on a thread that may.
    func next() throws -> [UInt8]?
}

/// Events that are all known beforehand.
actor ListedEvents: EventSource {
    private var events: [JSON]

    init(_ events: [JSON]) { self.events = events.reversed() }

    func next() -> JSON? { events.popLast() }

    nonisolated func end() {}
}

/// A stream on which nothing ever happens, until it is ended.
final class QuietEvents: EventSource {
    private let rings: AsyncStream<Void>
    private let endRings: @Sendable () -> Void

    init(bell: Bell) { (rings, endRings) = bell.listen() }

    func next() async -> JSON? {
        for await _ in rings {}
        return nil
    }

    func end() { endRings() }
}
