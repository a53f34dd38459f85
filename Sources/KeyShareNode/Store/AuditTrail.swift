// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Metrics
internal import Postgres
internal import Synchronization

/// One line for the audit; the store adds number, time and hash.
struct AuditNote: Sendable {
    let action: AuditAction
    let subject: String
    let outcome: String

    init(_ action: AuditAction, subject: String, outcome: String = "ok") {
        self.action = action
        self.subject = subject
        // The table takes no character that JSON escapes.
        self.outcome = outcome.isEmpty ? "none" : Self.clean(outcome)
    }

    private static func clean(_ text: String) -> String {
        String(text.prefix(128).map { $0.isASCII && ($0.isLetter || $0.isNumber || " ._:-".contains($0)) ? $0 : "-" })
    }
}

/// Adds to the audit many lines at a time: whoever waits is answered when the statement with its lines is committed.
///
/// Lines of calls that are transactions of their own are written with these and do not come here.
final class AuditTrail: Sendable {
    private struct Waiting {
        let notes: [AuditNote]
        let continuation: CheckedContinuation<PostgresError?, Never>?
    }

    private struct State {
        var waiting: [Waiting] = []
        var isWriting = false
    }

    /// Lines that may wait; more are refused.
    static let limit = 8192
    private static let batch = 512

    private let client: PostgresClient
    private let logger: Logger
    private let state = Mutex(State())
    private let dropped = Counter(label: "ks_audit_dropped_total")

    init(client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Adds lines and waits until they are on disk.
    func write(_ notes: [AuditNote]) async throws(PostgresError) {
        let error = await withCheckedContinuation { continuation in
            if !enqueue(Waiting(notes: notes, continuation: continuation)) {
                continuation.resume(returning: PostgresError(.overloaded, "the audit cannot keep up"))
            }
        }
        if let error { throw error }
    }

    /// Adds a line that nobody waits for; dropped and counted when too many wait already.
    func note(_ note: AuditNote) {
        if !enqueue(Waiting(notes: [note], continuation: nil)) { dropped.increment() }
    }

    private func enqueue(_ item: Waiting) -> Bool {
        let (isTaken, starts) = state.withLock { state in
            guard state.waiting.count < Self.limit else { return (false, false) }
            state.waiting.append(item)
            defer { state.isWriting = true }
            return (true, !state.isWriting)
        }
        // Ends when nothing waits; each statement has its deadline.
        if starts { Task { await drain() } }
        return isTaken
    }

    private func drain() async {
        while true {
            let batch = state.withLock { state -> [Waiting] in
                let batch = Array(state.waiting.prefix(Self.batch))
                state.waiting.removeFirst(batch.count)
                if batch.isEmpty { state.isWriting = false }
                return batch
            }
            if batch.isEmpty { return }
            var failure: PostgresError?
            do throws(PostgresError) {
                try await client.execute(StoreSQL.appendAudit, Self.values(batch.flatMap(\.notes)))
            } catch {
                failure = error
                logger.error("the audit could not be written", metadata: ["error": "\(error)"])
            }
            for item in batch { item.continuation?.resume(returning: failure) }
        }
    }

    /// The three arrays that the store takes.
    static func values(_ notes: [AuditNote]) -> [PostgresValue] {
        [
            .textArray(notes.map(\.action.rawValue)), .textArray(notes.map(\.subject)),
            .textArray(notes.map(\.outcome)),
        ]
    }
}
