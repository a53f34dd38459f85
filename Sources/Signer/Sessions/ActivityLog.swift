// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres
internal import Synchronization

/// When sessions were last used, written down once a minute for all of them.
///
/// A process that is killed loses a minute of it, which deadlines of weeks do not notice.
final class ActivityLog: Sendable {
    private static let capacity = 100_000

    private let client: PostgresClient
    private let latest = Mutex<[[UInt8]: Int64]>([:])

    init(client: PostgresClient) { self.client = client }

    /// Remembers a use at a time in Unix seconds.
    func note(_ id: [UInt8], at time: Int64) {
        latest.withLock { latest in
            if latest.count < Self.capacity || latest[id] != nil { latest[id] = time }
        }
    }

    /// Writes what was remembered; what cannot be written waits for the next time.
    func write() async throws(PostgresError) {
        let batch = latest.withLock { latest in
            defer { latest = [:] }
            return latest
        }
        if batch.isEmpty { return }
        let ids = Array(batch.keys)
        do {
            try await client.execute(Self.statement, [.byteaArray(ids), .int8Array(ids.map { batch[$0] ?? 0 })])
        } catch {
            for (id, time) in batch where latest.withLock({ $0[id] == nil }) { note(id, at: time) }
            throw error
        }
    }

    /// Rows are locked in one order, so that two processes never wait for each other.
    private static let statement = Statement(
        "signer.activity",
        """
        WITH used AS (
            SELECT s.id, used.at FROM signer.sessions s JOIN unnest($1, $2) AS used (id, at) ON used.id = s.id
            ORDER BY s.id FOR UPDATE OF s
        )
        UPDATE signer.sessions s SET last_activity = used.at FROM used
        WHERE s.id = used.id AND s.last_activity < used.at
        """
    )
}
