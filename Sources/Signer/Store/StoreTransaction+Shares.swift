// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FROST
internal import Pomade
internal import Postgres
internal import SealedRecords
internal import Secp256k1
internal import SigningRounds

/// A share as it is kept.
struct StoredShare: Sendable {
    let id: [UInt8]
    let share: SignerShare
}

extension StoreTransaction {
    static let shares = "shares"
    static let shareSecrets = "share_secrets"

    /// What a share is called outside: group key, group id, number and public share.
    static func natural(_ share: SignerShare) -> [UInt8] {
        share.registered.wire.key.bytes + share.registered.id + [UInt8(clamping: share.number)]
            + share.publicShare.bytes
    }

    /// Keeps a share unless it is kept already, and returns its row's name.
    func keep(_ share: SignerShare) async throws -> [UInt8] {
        let natural = Self.natural(share)
        if let row = try await query(ShareSQL.find, [names(natural, in: Self.shares)]).first { return try row.bytea(0) }
        let id = name(natural, in: Self.shares)
        let (group, secret) = try sealed(share, row: id, table: Self.shares, secretTable: Self.shareSecrets)
        try await execute(ShareSQL.insert, [.bytea(id), keyID, Self.newVersion(), group, secret])
        return id
    }

    /// A share's group and its secret, each sealed.
    func sealed(
        _ share: SignerShare,
        row: [UInt8],
        table: String,
        secretTable: String
    ) throws -> (group: PostgresValue, secret: PostgresValue) {
        var secret = [UInt8(clamping: share.number)] + share.share.secret.rawBytes
        defer { overwrite(&secret) }
        return (
            try seal(share.registered.wire, table: table, row: row),
            .bytea(ring.seal(secret, table: secretTable, row: row))
        )
    }

    /// Reads a session's share.
    func share(of session: SessionRow) async throws -> StoredShare? {
        let id = session.shareID
        guard let row = try await query(ShareSQL.read, [.bytea(id)]).first else { return nil }
        let share = try Self.share(ring, id: id, sealed: row.bytea(0), secret: row.bytea(1))
        try Self.requireOwner(share, session.record)
        return StoredShare(id: id, share: share)
    }

    /// Refuses a share that is not the session's: somebody has changed what points from one to the other.
    static func requireOwner(_ share: SignerShare, _ record: SessionRecord) throws {
        // Sessions of before the public share was noted have it from the next change of their share on.
        guard share.registered.userKey == record.user, share.number == record.idx,
            share.publicShare == record.publicShare ?? share.publicShare
        else { throw SealedRecordError(.forged, "a session points to another share than its own") }
    }

    /// Opens what stands in a share's row.
    static func share(
        _ ring: RecordKeyRing,
        id: [UInt8],
        sealed: [UInt8],
        secret: [UInt8],
        table: String = shares,
        secretTable: String = shareSecrets
    ) throws -> SignerShare {
        let group = try RecordCoding.record(WireGroup.self, try ring.open(sealed, table: table, row: id))
        var plain = try ring.open(secret, table: secretTable, row: id)
        defer { overwrite(&plain) }
        guard plain.count == 33, let bytes = Hex32(Array(plain[1...])) else {
            throw SealedRecordError(.forged, "a row of \(table) holds no share")
        }
        return try SignerShare(group: group, share: WireShare(idx: Int(plain[0]), seckey: bytes))
    }

    /// Erases a share that no session uses any more.
    func eraseUnused(_ shareID: [UInt8]) async throws { try await execute(ShareSQL.eraseUnused, [.bytea(shareID)]) }
}

enum ShareSQL {
    static let find = Statement("signer.share_find", "SELECT id FROM signer.shares WHERE id = ANY($1)")
    static let read = Statement("signer.share_read", "SELECT sealed, sealed_secret FROM signer.shares WHERE id = $1")
    static let insert = Statement(
        "signer.share_insert",
        "INSERT INTO signer.shares (id, key_id, version, sealed, sealed_secret) VALUES ($1, $2, $3, $4, $5)"
    )
    static let eraseUnused = Statement(
        "signer.share_erase",
        """
        DELETE FROM signer.shares WHERE id = $1
            AND NOT EXISTS (SELECT FROM signer.sessions WHERE share_id = $1)
        """
    )
}
