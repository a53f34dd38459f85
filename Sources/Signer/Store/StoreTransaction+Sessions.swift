// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Pomade
internal import Postgres
internal import SealedRecords

extension StoreTransaction {
    static let sessions = "sessions"
    static let users = "users"
    static let emails = "emails"

    // MARK: Reading

    /// The session of a client's key.
    func session(_ client: Hex32) async throws -> SessionRow? {
        try await query(SessionSQL.byClient, [names(client.bytes, in: Self.sessions)]).first.map(sessionRow)
    }

    /// All sessions of a user's key, oldest first; what is sealed says whose they are, the row's name only finds them.
    func sessions(ofUser user: Hex32) async throws -> [SessionRow] {
        try await query(SessionSQL.byUser, [names(user.bytes, in: Self.users)]).map(sessionRow)
            .filter { $0.record.user == user }
            .sorted { $0.record.createdAt < $1.record.createdAt }
    }

    /// All sessions that an address recovers.
    func sessions(ofEmail hash: Hex32) async throws -> [SessionRow] {
        try await query(SessionSQL.byEmail, [names(hash.bytes, in: Self.emails)]).map(sessionRow)
            .filter { $0.record.emailHashes.contains(hash) }
    }

    /// All sessions that use a share.
    func sessions(ofShare id: [UInt8]) async throws -> [SessionRow] {
        try await query(SessionSQL.byShare, [.bytea(id)]).map(sessionRow)
    }

    private func sessionRow(_ row: Row) throws -> SessionRow {
        let id = try row.bytea(0)
        let record = try open(SessionRecord.self, row.bytea(2), table: Self.sessions, row: id)
        let inClear = [try row.optionalInt8(4), try row.optionalInt8(5)]
        return SessionRow(
            id: id,
            shareID: try row.bytea(1),
            lastActivity: try row.int8(3),
            record: record,
            closedAt: (inClear + [record.deactivatedAt, record.policy?.expiresAt]).compactMap { $0 }.min()
        )
    }

    /// Whether a client's key was used for anything.
    func isUsed(_ client: Hex32) async throws -> Bool {
        let values = [names(client.bytes, in: Self.sessions), names(client.bytes, in: Self.pending)]
        return try await query(SessionSQL.isUsed, values)[0].bool(0)
    }

    // MARK: Writing

    /// Makes a session; its share has to be there.
    func insert(_ record: SessionRecord, shareID: [UInt8], now: Int64, dueAt: Int64) async throws {
        let id = name(record.client.bytes, in: Self.sessions)
        try await execute(
            SessionSQL.insert,
            try [.bytea(id)] + columns(record, id: id, shareID: shareID, dueAt: dueAt) + [.int8(now)]
        )
        try await index(record, id: id)
    }

    /// Writes a session anew, under the newest secret's name.
    func update(_ row: SessionRow, shareID: [UInt8]? = nil, dueAt: Int64) async throws {
        let id = name(row.record.client.bytes, in: Self.sessions)
        try await execute(
            SessionSQL.update,
            try [.bytea(id)] + columns(row.record, id: id, shareID: shareID ?? row.shareID, dueAt: dueAt)
                + [.bytea(row.id)]
        )
        try await execute(SessionSQL.unindex, [.bytea(id)])
        try await index(row.record, id: id)
    }

    private func columns(
        _ record: SessionRecord,
        id: [UInt8],
        shareID: [UInt8],
        dueAt: Int64
    ) throws -> [PostgresValue] {
        [
            keyID, Self.newVersion(), .bytea(shareID), .bytea(name(record.user.bytes, in: Self.users)),
            .bool(record.email != nil), record.deactivatedAt.map { .int8($0) } ?? .null,
            record.policy?.expiresAt.map { .int8($0) } ?? .null, .int8(dueAt),
            try seal(record, table: Self.sessions, row: id),
        ]
    }

    private func index(_ record: SessionRecord, id: [UInt8]) async throws {
        guard !record.emailHashes.isEmpty else { return }
        let names = Set(record.emailHashes.map { name($0.bytes, in: Self.emails) })
        try await execute(SessionSQL.index, [.byteaArray(Array(names)), .bytea(id)])
    }

    /// Deletes a session with all that points to it, and its share when nobody else uses it.
    func delete(_ row: SessionRow) async throws {
        try await execute(SessionSQL.delete, [.bytea(row.id)])
        try await eraseUnused(row.shareID)
    }
}

enum SessionSQL {
    private static let columns =
        "s.id, s.share_id, s.sealed, s.last_activity, s.deactivated_at, s.expires_at FROM signer.sessions s"

    static let byClient = Statement("signer.session", "SELECT \(columns) WHERE s.id = ANY($1)")
    static let byUser = Statement("signer.sessions_user", "SELECT \(columns) WHERE s.user_id = ANY($1)")
    static let byShare = Statement("signer.sessions_share", "SELECT \(columns) WHERE s.share_id = $1")
    static let byEmail = Statement(
        "signer.sessions_email",
        "SELECT \(columns) WHERE s.id IN (SELECT session_id FROM signer.emails WHERE id = ANY($1))"
    )
    static let isUsed = Statement(
        "signer.key_used",
        """
        SELECT EXISTS (SELECT FROM signer.sessions WHERE id = ANY($1))
            OR EXISTS (SELECT FROM signer.pending WHERE id = ANY($2))
        """
    )
    static let insert = Statement(
        "signer.session_insert",
        """
        INSERT INTO signer.sessions (id, key_id, version, share_id, user_id, has_recovery, deactivated_at, expires_at,
            due_at, sealed, last_activity)
        VALUES ($1, $2, $3, $4, $5, $6, $7::bigint, $8::bigint, $9, $10, $11)
        """
    )
    static let update = Statement(
        "signer.session_update",
        """
        UPDATE signer.sessions SET id = $1, key_id = $2, version = $3, share_id = $4, user_id = $5, has_recovery = $6,
            deactivated_at = $7::bigint, expires_at = $8::bigint, due_at = $9, sealed = $10
        WHERE id = $11
        """
    )
    static let index = Statement(
        "signer.session_index",
        "INSERT INTO signer.emails (id, session_id) SELECT unnest($1), $2"
    )
    static let unindex = Statement("signer.session_unindex", "DELETE FROM signer.emails WHERE session_id = $1")
    static let delete = Statement("signer.session_delete", "DELETE FROM signer.sessions WHERE id = $1")
}
