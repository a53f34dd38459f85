// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CPQ
internal import DequeModule

/// The connection that listens, one for all channels of a client.
final class ListenLink: Link {
    private struct Subscriber {
        let channel: String
        let continuation: AsyncStream<PostgresNotification>.Continuation
        /// Whether the LISTEN is in place and announced.
        var isActive = false
    }

    private var subscribers: [SessionID: Subscriber] = [:]
    private var toSend: Deque<(command: String, channel: String)> = []
    /// The channel of the LISTEN or UNLISTEN under way.
    private var underWay: String?

    func subscribe(_ id: SessionID, channel: String, _ continuation: AsyncStream<PostgresNotification>.Continuation) {
        subscribers[id] = Subscriber(channel: channel, continuation: continuation)
        send("LISTEN", channel)
    }

    func unsubscribe(_ id: SessionID) {
        guard let gone = subscribers.removeValue(forKey: id) else { return }
        guard !subscribers.values.contains(where: { $0.channel == gone.channel }) else { return }
        send("UNLISTEN", gone.channel)
    }

    override func didConnect(_ connection: OpaquePointer) {
        toSend = []
        for channel in Set(subscribers.values.map(\.channel)) { toSend.append(("LISTEN", channel)) }
        underWay = nil
        sendNext()
    }

    private func send(_ command: String, _ channel: String) {
        guard connection != nil else { return }
        toSend.append((command, channel))
        sendNext()
    }

    private func sendNext() {
        guard underWay == nil, let connection, let next = toSend.popFirst() else { return }
        underWay = next.channel
        let parts = next.channel.split(separator: "\"", omittingEmptySubsequences: false)
        let quoted = "\"\(parts.joined(separator: "\"\""))\""
        guard PQsendQuery(connection, "\(next.command) \(quoted)") == 1 else { return lose(connection) }
        flush()
    }

    override func read(_ connection: OpaquePointer) -> Bool {
        let isAlive = PQconsumeInput(connection) == 1
        var failed = false
        while underWay != nil, PQisBusy(connection) == 0 {
            guard let result = PQgetResult(connection) else {
                finishCommand()
                continue
            }
            if PQresultStatus(result) == PGRES_FATAL_ERROR { failed = true }
            PQclear(result)
        }
        while let notification = PQnotifies(connection) {
            deliver(String(cString: notification.pointee.extra), to: String(cString: notification.pointee.relname))
            PQfreemem(notification)
        }
        return isAlive && !failed
    }

    private func finishCommand() {
        guard let channel = underWay else { return }
        underWay = nil
        for (id, subscriber) in subscribers where subscriber.channel == channel && !subscriber.isActive {
            subscribers[id]?.isActive = true
            subscriber.continuation.yield(.reconnected)
        }
        sendNext()
    }

    private func deliver(_ payload: String, to channel: String) {
        for subscriber in subscribers.values where subscriber.channel == channel {
            if case .dropped = subscriber.continuation.yield(.notification(payload: payload)) {
                // The subscriber is too slow and has lost notifications: that is a gap like any other.
                subscriber.continuation.yield(.reconnected)
            }
        }
    }

    override func didLose(_ error: PostgresError) {
        for id in subscribers.keys { subscribers[id]?.isActive = false }
        toSend = []
        underWay = nil
        guard case .retired = state else { return }
        for subscriber in subscribers.values { subscriber.continuation.finish() }
        subscribers = [:]
    }
}
