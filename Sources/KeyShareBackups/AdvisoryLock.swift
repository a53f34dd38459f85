// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

extension PostgresSession {
    /// Calls the body while no other connection has the lock.
    ///
    /// The lock is tried again and again: one that is waited for in the database could not be given up. It is returned by a
    /// statement, since a server takes its time to notice that a connection was closed.
    ///
    /// - Parameter patience: how long to wait for whoever has it.
    /// - Returns: `nil` if the time is up.
    func withAdvisoryLock<Value: Sendable>(
        _ key: Int64,
        patience: Duration,
        _ body: () async throws -> Value
    ) async throws -> Value? {
        let end = ContinuousClock.now + patience
        while true {
            let rows = try await query(Statement("backup.lock", "SELECT pg_try_advisory_lock($1)"), [.int8(key)])
            if try rows.first?.bool(0) == true { break }
            guard ContinuousClock.now < end else { return nil }
            try await Task.sleep(for: .milliseconds(200))
        }
        do {
            let value = try await body()
            await unlock(key)
            return value
        } catch {
            await unlock(key)
            throw error
        }
    }

    /// One that is not given back is given back with the connection.
    private func unlock(_ key: Int64) async {
        _ = try? await query(Statement("backup.unlock", "SELECT pg_advisory_unlock($1)"), [.int8(key)])
    }
}
