// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade
internal import SigningRounds

extension SignerService {
    /// `/session/list` (user key).
    public func list(caller: SignerCaller) async throws(SignerFailure) -> PomadeContent.Items {
        let rows = try await run { try await $0.sessions(ofUser: caller.key) }
        return PomadeContent.Items(items: rows.map { $0.record.item(lastActivity: $0.lastActivity) })
    }

    /// `/session/deactivate` (user key): the session can no longer sign; its address still logs in and recovers.
    ///
    /// - Throws: `not_found`.
    public func deactivate(_ body: PomadeBody.Selection, caller: SignerCaller) async throws(SignerFailure) {
        let time = now()
        try await run { transaction in
            var row = try await owned(body.client, by: caller, transaction)
            guard row.record.deactivatedAt == nil else { return }
            row.record.deactivatedAt = time
            try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            try await transaction.note(
                .deactivate,
                user: caller.key,
                session: body.client,
                digest: caller.bodyDigest,
                now: time
            )
        }
        commits.remove(client: body.client)
    }

    /// `/session/delete` (user key): erases the session, and the share when no other session uses it.
    ///
    /// - Throws: `not_found`.
    public func delete(_ body: PomadeBody.Selection, caller: SignerCaller) async throws(SignerFailure) {
        let id = try await run { transaction in
            let row = try await owned(body.client, by: caller, transaction)
            try await transaction.delete(row)
            try await transaction.note(
                .delete,
                user: caller.key,
                session: body.client,
                digest: caller.bodyDigest,
                now: now()
            )
            return row.id
        }
        cache.remove(id)
        commits.remove(client: body.client)
    }

    /// A session of the calling user; another's and none are told apart by nobody.
    func owned(
        _ client: Hex32,
        by caller: SignerCaller,
        _ transaction: StoreTransaction
    ) async throws -> SessionRow {
        guard let row = try await transaction.session(client), row.record.user == caller.key else {
            throw SignerFailure(.notFound, "Your key has no such session here.")
        }
        return row
    }

    /// `/x/policy` (user key): what a session may do from now on, in place of what it might before.
    ///
    /// - Throws: `bad_request`, `not_found`.
    public func setPolicy(_ body: PomadeBody.PolicyChange, caller: SignerCaller) async throws(SignerFailure) {
        try body.policy.requireSensible()
        try await run { transaction in
            var row = try await owned(body.client, by: caller, transaction)
            row.record.policy = body.policy
            try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            try await transaction.note(
                .policy,
                user: caller.key,
                session: body.client,
                digest: caller.bodyDigest,
                now: now()
            )
        }
    }

    /// `/x/audit` (user key): the last 100 links of the caller's chain.
    public func audit(caller: SignerCaller) async throws(SignerFailure) -> PomadeContent.Audit {
        let (entries, head) = try await run { try await $0.auditTail(caller.key, count: 100) }
        return PomadeContent.Audit(
            entries: entries.map { entry in
                PomadeContent.Audit.Entry(
                    seq: entry.seq,
                    time: entry.time,
                    session: entry.session,
                    action: entry.action.rawValue,
                    digest: entry.digest,
                    prev: entry.prev,
                    hash: entry.hash
                )
            },
            head: head
        )
    }
}
