// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import Postgres
public import SealedRecords
public import Secp256k1

/// The keys that a database was sealed with, found by the secrets that the operator gives.
///
/// A row of the key ring holds the keys of one secret. Those of retired secrets are sealed by the newest, so that what is
/// only added to, and passwords, which nobody can hash anew, stay readable when the old secret is thrown away.
public struct SignerKeys: Sendable {
    public let ring: RecordKeyRing
    /// Who the signer is on Nostr.
    public let identity: SecretKey

    /// Opens the key ring of a database, and takes over from the previous secret if there is one.
    ///
    /// - Throws: `.unknownKey` when the database was sealed with another secret.
    public static func open(
        _ client: PostgresClient,
        secret: RecordKeys,
        previous: RecordKeys? = nil
    ) async throws -> SignerKeys {
        let bare = try RecordKeyRing(current: secret, earlier: previous.map { [$0] } ?? [])
        let keys = try await SignerStore(client: client, ring: bare).transaction { transaction in
            try await adopt(transaction, secret: secret, previous: previous)
        }
        let current = keys[0]
        let bytes = current.identity.withUnsafeBytes { Array($0) }
        guard let identity = SecretKey(bytes) else {
            throw SealedRecordError(.badSecret, "the secret makes no identity; make another: openssl rand -hex 32")
        }
        return SignerKeys(
            ring: try RecordKeyRing(current: current, earlier: Array(keys.dropFirst())),
            identity: identity
        )
    }

    /// Returns the keys of this database, the current first.
    private static func adopt(
        _ transaction: StoreTransaction,
        secret: RecordKeys,
        previous: RecordKeys?
    ) async throws -> [RecordKeys] {
        var rows: [UInt8: [UInt8]] = [:]
        for row in try await transaction.query(all) { rows[UInt8(clamping: try row.int2(0))] = try row.bytea(1) }
        if rows.isEmpty {
            try await write(transaction, secret)
            return [secret]
        }
        if let sealed = rows[secret.id] {
            let ring = try RecordKeyRing(current: secret)
            let own = try keys(secret.id, sealed, ring)
            return [own] + (try rows.filter { $0.key != secret.id }.map { try keys($0.key, $0.value, ring) })
        }
        guard let previous, rows[previous.id] != nil else {
            throw SealedRecordError(
                .unknownKey,
                """
                the database was sealed with another secret: give that one as POMADE_SECRET, or as \
                POMADE_SECRET_PREVIOUS if POMADE_SECRET is to take its place
                """
            )
        }
        let ring = try RecordKeyRing(current: previous)
        let retired = try rows.map { try keys($0.key, $0.value, ring) }
        guard let before = retired.first(where: { $0.id == previous.id }) else { return [] }
        let current = secret.keepingIdentity(of: before)
        _ = try RecordKeyRing(current: current, earlier: retired)
        for keys in [current] + retired { try await write(transaction, keys, by: current) }
        return [current] + retired
    }

    private static func keys(_ id: UInt8, _ sealed: [UInt8], _ ring: RecordKeyRing) throws -> RecordKeys {
        var plain = try ring.open(sealed, table: "keyring", row: [id])
        defer { overwrite(&plain) }
        guard let keys = RecordKeys(id: id, exported: plain) else {
            throw SealedRecordError(.forged, "a row of the key ring holds no keys")
        }
        return keys
    }

    private static func write(
        _ transaction: StoreTransaction,
        _ keys: RecordKeys,
        by sealer: RecordKeys? = nil
    ) async throws {
        var plain = keys.exported
        defer { overwrite(&plain) }
        let ring = try RecordKeyRing(current: sealer ?? keys)
        let sealed = ring.seal(plain, table: "keyring", row: [keys.id])
        try await transaction.execute(upsert, [.int2(Int16(keys.id)), .bytea(sealed)])
    }

    private static let all = Statement("signer.keyring", "SELECT key_id, sealed FROM signer.keyring")
    private static let upsert = Statement(
        "signer.keyring_write",
        """
        INSERT INTO signer.keyring (key_id, sealed) VALUES ($1, $2)
        ON CONFLICT (key_id) DO UPDATE SET sealed = EXCLUDED.sealed
        """
    )
}
