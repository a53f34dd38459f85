// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Pomade
internal import Postgres
internal import SealedRecords

/// What passes: logins and recoveries under way, mailed codes, recoveries that wait, links.
extension StoreTransaction {
    static let pending = "pending"
    static let challenges = "challenges"
    static let recoveryRequests = "recovery_requests"
    static let cancellations = "cancellations"
    static let confirmations = "confirmations"

    // MARK: Logins and recoveries

    func insert(_ record: PendingRecord) async throws {
        let id = name(record.client.bytes, in: Self.pending)
        try await execute(
            PassingSQL.insertPending,
            [
                .bytea(id), keyID, .int8(record.createdAt + SignerConfiguration.shortWhile),
                try seal(record, table: Self.pending, row: id),
            ]
        )
    }

    /// Takes a pending login or recovery out, whatever becomes of it.
    func takePending(_ client: Hex32, _ kind: PendingRecord.Kind) async throws -> PendingRecord? {
        // One that is of the other kind stays.
        for row in try await query(PassingSQL.readPending, [names(client.bytes, in: Self.pending)]) {
            let id = try row.bytea(0)
            let record = try open(PendingRecord.self, row.bytea(1), table: Self.pending, row: id)
            guard record.kind == kind else { continue }
            try await execute(PassingSQL.deletePending, [.bytea(id)])
            return record
        }
        return nil
    }

    // MARK: Codes

    func challenge(_ emailHash: Hex32) async throws -> ChallengeRecord? {
        guard let row = try await query(PassingSQL.readChallenge, [names(emailHash.bytes, in: Self.challenges)]).first
        else { return nil }
        let id = try row.bytea(0)
        return try open(ChallengeRecord.self, row.bytea(1), table: Self.challenges, row: id)
    }

    /// Writes a code in place of any other of that address.
    func replace(_ record: ChallengeRecord) async throws {
        try await removeChallenge(record.emailHash)
        let id = name(record.emailHash.bytes, in: Self.challenges)
        try await execute(
            PassingSQL.insertChallenge,
            [
                .bytea(id), keyID, .int8(record.createdAt + SignerConfiguration.shortWhile),
                try seal(record, table: Self.challenges, row: id),
            ]
        )
    }

    /// Writes a code's attempts; it lasts no longer for that.
    func rewrite(_ record: ChallengeRecord) async throws { try await replace(record) }

    func removeChallenge(_ emailHash: Hex32) async throws {
        try await execute(PassingSQL.deleteChallenge, [names(emailHash.bytes, in: Self.challenges)])
    }

    // MARK: Recoveries that wait

    private func natural(_ shareID: [UInt8], _ emailHash: Hex32) -> [UInt8] { shareID + emailHash.bytes }

    func recoveryRequest(_ shareID: [UInt8], _ emailHash: Hex32) async throws -> RecoveryRequestRecord? {
        let rows = try await query(
            PassingSQL.readRequest,
            [names(natural(shareID, emailHash), in: Self.recoveryRequests)]
        )
        guard let row = rows.first else { return nil }
        let id = try row.bytea(0)
        return try open(RecoveryRequestRecord.self, row.bytea(1), table: Self.recoveryRequests, row: id)
    }

    func insert(_ record: RecoveryRequestRecord, shareID: [UInt8], token: [UInt8]) async throws {
        let id = name(natural(shareID, record.emailHash), in: Self.recoveryRequests)
        try await execute(
            PassingSQL.insertRequest,
            [
                .bytea(id), keyID, .bytea(shareID), .bytea(name(token, in: Self.cancellations)),
                .int8(record.availableAt + SignerConfiguration.recoveryWindow),
                try seal(record, table: Self.recoveryRequests, row: id),
            ]
        )
    }

    func removeRequest(_ shareID: [UInt8], _ emailHash: Hex32) async throws {
        let id = names(natural(shareID, emailHash), in: Self.recoveryRequests)
        try await execute(PassingSQL.deleteRequest, [id])
    }

    /// Ends all recoveries of some shares; returns the shares that had one.
    func cancelRequests(ofShares ids: [[UInt8]]) async throws -> Set<[UInt8]> {
        try shareIDs(await query(PassingSQL.cancelByShare, [.byteaArray(ids)]))
    }

    /// Ends the recoveries that a notice's link names; returns their shares.
    func cancelRequests(token: [UInt8]) async throws -> Set<[UInt8]> {
        try shareIDs(await query(PassingSQL.cancelByToken, [names(token, in: Self.cancellations)]))
    }

    private func shareIDs(_ rows: [Row]) throws -> Set<[UInt8]> { Set(try rows.map { try $0.bytea(0) }) }

    // MARK: Links

    func insertConfirmation(token: [UInt8], client: Hex32, now: Int64) async throws {
        try await execute(
            PassingSQL.insertConfirmation,
            [
                .bytea(name(token, in: Self.confirmations)), keyID, .bytea(name(client.bytes, in: Self.sessions)),
                .int8(now + SignerConfiguration.confirmationLifetime),
            ]
        )
    }

    /// Takes a confirmation out and returns its session's row.
    func takeConfirmation(token: [UInt8], now: Int64) async throws -> [UInt8]? {
        let rows = try await query(
            PassingSQL.takeConfirmation,
            [names(token, in: Self.confirmations), .int8(now)]
        )
        return try rows.first?.bytea(0)
    }

    func session(row id: [UInt8]) async throws -> SessionRow? {
        guard let row = try await query(PassingSQL.sealedSession, [.bytea(id)]).first else { return nil }
        let record = try open(SessionRecord.self, row.bytea(0), table: Self.sessions, row: id)
        return try await session(record.client)
    }
}

enum PassingSQL {
    static let insertPending = Statement(
        "signer.pending_insert",
        "INSERT INTO signer.pending (id, key_id, expires_at, sealed) VALUES ($1, $2, $3, $4)"
    )
    static let readPending = Statement(
        "signer.pending_read",
        "SELECT id, sealed FROM signer.pending WHERE id = ANY($1) FOR UPDATE"
    )
    static let deletePending = Statement("signer.pending_delete", "DELETE FROM signer.pending WHERE id = $1")
    static let readChallenge = Statement(
        "signer.challenge_read",
        "SELECT id, sealed FROM signer.challenges WHERE id = ANY($1) FOR UPDATE"
    )
    static let insertChallenge = Statement(
        "signer.challenge_insert",
        "INSERT INTO signer.challenges (id, key_id, expires_at, sealed) VALUES ($1, $2, $3, $4)"
    )
    static let deleteChallenge = Statement(
        "signer.challenge_delete",
        "DELETE FROM signer.challenges WHERE id = ANY($1)"
    )
    static let readRequest = Statement(
        "signer.request_read",
        "SELECT id, sealed FROM signer.recovery_requests WHERE id = ANY($1)"
    )
    static let insertRequest = Statement(
        "signer.request_insert",
        """
        INSERT INTO signer.recovery_requests (id, key_id, share_id, cancel_id, expires_at, sealed)
        VALUES ($1, $2, $3, $4, $5, $6)
        """
    )
    static let deleteRequest = Statement(
        "signer.request_delete",
        "DELETE FROM signer.recovery_requests WHERE id = ANY($1)"
    )
    static let cancelByShare = Statement(
        "signer.request_cancel_share",
        "DELETE FROM signer.recovery_requests WHERE share_id = ANY($1) RETURNING share_id"
    )
    static let cancelByToken = Statement(
        "signer.request_cancel_token",
        "DELETE FROM signer.recovery_requests WHERE cancel_id = ANY($1) RETURNING share_id"
    )
    static let insertConfirmation = Statement(
        "signer.confirmation_insert",
        "INSERT INTO signer.confirmations (id, key_id, session_id, expires_at) VALUES ($1, $2, $3, $4)"
    )
    static let takeConfirmation = Statement(
        "signer.confirmation_take",
        "DELETE FROM signer.confirmations WHERE id = ANY($1) AND expires_at > $2 RETURNING session_id"
    )
    static let sealedSession = Statement(
        "signer.session_sealed",
        "SELECT sealed FROM signer.sessions WHERE id = $1"
    )
}
