// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade
internal import Postgres
internal import SealedRecords
internal import SigningRounds

/// New shares of the same key: staged at all signers first, then taken at all, and the old ones erased.
extension SignerService {
    /// `/x/refresh/stage` (client key): keeps the share that is to take this one's place.
    ///
    /// - Throws: `no_session`, `deactivated`, `policy_denied`, `bad_threshold`, `bad_group`, `bad_share`,
    ///   `bad_request`.
    public func stageRefresh(_ body: PomadeBody.RefreshStage, caller: SignerCaller) async throws(SignerFailure) {
        try await run { transaction in
            let row = try requireActive(try await transaction.session(caller.key))
            try row.record.policy?.requireRefresh(now: now())
            guard let stored = try await transaction.share(of: row) else { throw Self.sessionGone }
            let next = try stored.share.refreshed(by: body)
            try await transaction.stage(next, of: row.shareID)
            try await note(.refresh, row, caller, transaction)
        }
    }

    /// `/x/refresh/commit` (client key): takes the staged share of that group; told twice, it answers alike.
    ///
    /// All sessions of the share have the new one from then on.
    /// - Throws: `no_session`, `deactivated`, `policy_denied`, `bad_group` when no share of that group is staged.
    public func commitRefresh(_ body: PomadeBody.RefreshCommit, caller: SignerCaller) async throws(SignerFailure) {
        let changed = try await run { transaction -> [Hex32] in
            let row = try requireActive(try await transaction.session(caller.key))
            try row.record.policy?.requireRefresh(now: now())
            guard let stored = try await transaction.share(of: row) else { throw Self.sessionGone }
            if stored.share.registered.id == body.gid.bytes { return [] }
            guard let next = try await transaction.staged(row.shareID), next.registered.id == body.gid.bytes else {
                throw SignerFailure(.badGroup, "No share of that group is staged: stage it first.")
            }
            let id = try await transaction.take(next, inPlaceOf: row.shareID)
            let rows = try await transaction.sessions(ofShare: id)
            // A row that somebody made to point here does not become the share's by that.
            for var row in rows where (try? StoreTransaction.requireOwner(stored.share, row.record)) != nil {
                row.record.publicShare = next.publicShare
                row.record.total = next.registered.wire.commits.count
                try await transaction.update(row, dueAt: dueAt(row.record, lastActivity: row.lastActivity))
            }
            try await note(.refresh, row, caller, transaction)
            return rows.map(\.record.client)
        }
        for client in changed { commits.remove(client: client) }
    }
}

extension StoreTransaction {
    /// Keeps a share beside the one whose place it is to take, in place of any that was kept there before.
    func stage(_ next: SignerShare, of id: [UInt8]) async throws {
        let (group, secret) = try sealed(next, row: id, table: Self.nextShares, secretTable: Self.nextShareSecrets)
        try await execute(RefreshSQL.stage, [.bytea(id), group, secret])
    }

    func staged(_ id: [UInt8]) async throws -> SignerShare? {
        guard let row = try await query(RefreshSQL.staged, [.bytea(id)]).first,
            let group = try row.optionalBytea(0), let secret = try row.optionalBytea(1)
        else { return nil }
        let (table, secretTable) = (Self.nextShares, Self.nextShareSecrets)
        return try Self.share(ring, id: id, sealed: group, secret: secret, table: table, secretTable: secretTable)
    }

    /// Writes a share over another, which is erased, and returns its row's new name.
    ///
    /// Where the new share was registered meanwhile, its sessions come along: there is one row for each share.
    func take(_ next: SignerShare, inPlaceOf id: [UInt8]) async throws -> [UInt8] {
        let new = name(Self.natural(next), in: Self.shares)
        let (group, secret) = try sealed(next, row: new, table: Self.shares, secretTable: Self.shareSecrets)
        let known = names(Self.natural(next), in: Self.shares)
        try await execute(RefreshSQL.join, [known, .bytea(id), Self.newVersion()])
        try await execute(RefreshSQL.erase, [known])
        try await execute(
            RefreshSQL.take,
            [.bytea(id), .bytea(new), keyID, Self.newVersion(), group, secret]
        )
        return new
    }
}

private enum RefreshSQL {
    static let stage = Statement(
        "signer.refresh_stage",
        "UPDATE signer.shares SET sealed_next = $2, sealed_next_secret = $3 WHERE id = $1"
    )
    static let staged = Statement(
        "signer.refresh_staged",
        "SELECT sealed_next, sealed_next_secret FROM signer.shares WHERE id = $1"
    )
    static let join = Statement(
        "signer.refresh_join",
        "UPDATE signer.sessions SET share_id = $2, version = $3 WHERE share_id = ANY($1)"
    )
    static let erase = Statement("signer.refresh_erase", "DELETE FROM signer.shares WHERE id = ANY($1)")
    static let take = Statement(
        "signer.refresh_take",
        """
        UPDATE signer.shares SET id = $2, key_id = $3, version = $4, sealed = $5, sealed_secret = $6,
            sealed_next = NULL, sealed_next_secret = NULL
        WHERE id = $1
        """
    )
}
