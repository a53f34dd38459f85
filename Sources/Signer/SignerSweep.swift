// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Metrics
internal import Postgres
public import ServiceLifecycle
internal import SigningRounds

/// Looks after what passes: every 30 s deadlines are kept, and the times of use written.
public struct SignerSweep: Service {
    private let service: SignerService
    private let interval: Duration

    public init(_ service: SignerService, interval: Duration = .seconds(30)) {
        self.service = service
        self.interval = interval
    }

    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: interval)
                await service.sweep()
            }
        }
        // What was used in the last seconds is not forgotten by an orderly end.
        await service.writeActivity()
    }
}

extension SignerService {
    /// Sessions looked at in one sweep.
    private static let sweepLimit = 500

    /// Deletes what has passed, deactivates and warns; what fails is tried again the next time.
    public func sweep() async {
        let time = now()
        commits.sweep(now: time)
        generations.sweep(now: time)
        repairs.sweep(now: time)
        recordMetrics()
        await writeActivity()
        do {
            for statement in Self.passed { try await store.client.execute(statement, [.int8(time)]) }
            try await store.client.execute(Self.oldCounts, [.int4(Int32(clamping: time / 86_400))])
            let due = try await store.client.query(Self.due, [.int8(time), .int8(Int64(Self.sweepLimit))])
            for row in due { try await look(after: try row.bytea(0)) }
        } catch {
            logger.error("the sweep was not finished", metadata: ["error": "\(error)"])
        }
    }

    private func recordMetrics() {
        Gauge(label: "signer_commits_pending").record(Int64(commitCounts.pending))
        Gauge(label: "signer_commits_expired").record(Int64(commitCounts.expired))
    }

    func writeActivity() async {
        do { try await activity.write() } catch {
            logger.warning("times of use were not written", metadata: ["error": "\(error)"])
        }
    }

    /// Takes the next step of one session's end.
    private func look(after id: [UInt8]) async throws {
        let time = now()
        let notice = try await store.transaction { transaction -> (SignerNotice, String)? in
            guard var row = try await transaction.session(row: id) else { return nil }
            let end = dueAt(row.record, lastActivity: row.lastActivity)
            guard end <= time else {
                // It was used since.
                if row.lastActivity + configuration.retention - (SignerConfiguration.retentionNotices.first ?? 0) > time
                {
                    row.record.warnings = 0
                }
                try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
                return nil
            }
            var notice: (SignerNotice, String)?
            if row.record.deactivatedAt == nil {
                row.record.deactivatedAt = time
                try await noteEnd(row, .idle, transaction)
            } else if let email = row.record.email,
                row.record.warnings < SignerConfiguration.retentionNotices.count
            {
                row.record.warnings += 1
                row.record.warnedAt = time
                let last = dueAtEnd(row)
                notice = (.retention(days: Int((max(0, last - time) + 86_399) / 86_400), at: last), email)
            } else {
                try await noteEnd(row, .expired, transaction)
                try await transaction.delete(row)
                return nil
            }
            try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            return notice
        }
        if let (notice, address) = notice { post.send(notice, to: address) }
    }

    /// When a session goes whose owner has been warned of it.
    private func dueAtEnd(_ row: SessionRow) -> Int64 {
        let notices = SignerConfiguration.retentionNotices
        let left = notices.dropFirst(row.record.warnings).reduce(Int64(0)) { max($0, $1) }
        let soonest = (row.record.warnedAt ?? 0) + max(left, notices.last ?? 0)
        return max(row.lastActivity + configuration.retention, soonest)
    }

    func noteEnd(_ row: SessionRow, _ action: AuditAction, _ transaction: StoreTransaction) async throws {
        try await transaction.note(
            action,
            user: row.record.user,
            session: row.record.client,
            digest: [],
            now: now()
        )
    }

    private static let passed = ["pending", "challenges", "recovery_requests", "confirmations"].map { table in
        Statement("signer.passed_\(table)", "DELETE FROM signer.\(table) WHERE expires_at < $1")
    }
    private static let oldCounts = Statement("signer.passed_counts", "DELETE FROM signer.daily_counts WHERE day < $1")
    private static let due = Statement(
        "signer.due",
        "SELECT id FROM signer.sessions WHERE due_at <= $1 ORDER BY due_at LIMIT $2"
    )
}
