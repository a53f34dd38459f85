// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres
internal import Synchronization

/// What a session's row says right now.
struct LiveState: Sendable, Hashable {
    let id: [UInt8]
    let version: Int64
    let shareVersion: Int64
    let deactivatedAt: Int64?
    let expiresAt: Int64?
}

/// Reads sessions' rows for many requests with one statement at a time.
///
/// A request waits for a statement that is sent after it has come, so what it learns is never older than itself.
/// Those that come while a statement is on its way go together with the next one.
final class LiveSessions: Sendable {
    private typealias Waiter = CheckedContinuation<Result<LiveState?, PostgresError>, Never>

    private struct State {
        var waiting: [(names: [[UInt8]], waiter: Waiter)] = []
        /// Whether somebody is on the way and will look again.
        var isReading = false
    }

    /// Requests that may wait.
    private static let capacity = 16_384

    private let client: PostgresClient
    private let state = Mutex(State())

    init(client: PostgresClient) { self.client = client }

    /// The row that has one of these names, or `nil` when there is none.
    func read(_ names: [[UInt8]]) async throws(PostgresError) -> LiveState? {
        let result = await withCheckedContinuation { (waiter: Waiter) in
            let (begins, isFull) = state.withLock { state -> (Bool, Bool) in
                guard state.waiting.count < Self.capacity else { return (false, true) }
                state.waiting.append((names, waiter))
                defer { state.isReading = true }
                return (!state.isReading, false)
            }
            if isFull { waiter.resume(returning: .failure(PostgresError(.overloaded, "too many requests wait"))) }
            // Outlives this request on purpose: it serves the others too.
            if begins { Task { await readAll() } }
        }
        return try result.get()
    }

    private func readAll() async {
        while true {
            let batch = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isReading = false }
                return state.waiting
            }
            if batch.isEmpty { return }
            do throws(PostgresError) {
                let rows = try await client.query(Self.statement, [.byteaArray(batch.flatMap(\.names))])
                var found: [[UInt8]: LiveState] = [:]
                for row in rows {
                    let state = try Self.state(row)
                    found[state.id] = state
                }
                for (names, waiter) in batch {
                    waiter.resume(returning: .success(names.lazy.compactMap { found[$0] }.first))
                }
            } catch {
                for (_, waiter) in batch { waiter.resume(returning: .failure(error)) }
            }
        }
    }

    private static func state(_ row: Row) throws(PostgresError) -> LiveState {
        LiveState(
            id: try row.bytea(0),
            version: try row.int8(1),
            shareVersion: try row.int8(2),
            deactivatedAt: try row.optionalInt8(3),
            expiresAt: try row.optionalInt8(4)
        )
    }

    private static let statement = Statement(
        "signer.live",
        """
        SELECT s.id, s.version, h.version, s.deactivated_at, s.expires_at
        FROM signer.sessions s JOIN signer.shares h ON h.id = s.share_id WHERE s.id = ANY($1)
        """
    )
}
