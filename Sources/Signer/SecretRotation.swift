// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Pomade
public import Postgres
internal import SealedRecords

/// Writes all lasting rows anew under the newest secret.
///
/// Each row is a transaction of its own and is found by its secret's mark, so a rotation that was stopped goes on where it
/// was. Rows that pass within days, and the audit, which is only added to, stay readable by the key ring.
public struct SecretRotation: Sendable {
    /// How many rows were written.
    public struct Progress: Sendable, Hashable {
        public var sessions = 0
        public var shares = 0
        public var auditHeads = 0
    }

    private let store: SignerStore
    private let configuration: SignerConfiguration

    public init(configuration: SignerConfiguration, keys: SignerKeys, client: PostgresClient) {
        self.configuration = configuration
        store = SignerStore(client: client, ring: keys.ring)
    }

    /// Rotates until no row of another secret is left.
    /// - Parameter onProgress: told after each batch.
    public func run(onProgress: @Sendable (Progress) -> Void = { _ in }) async throws -> Progress {
        var progress = Progress()
        // Shares first: their new names reach the sessions by themselves.
        try await rotate(
            Self.shares,
            {
                progress.shares += $0; onProgress(progress)
            }
        ) { transaction, id in
            try await transaction.rewriteShare(id)
        }
        try await rotate(
            Self.sessions,
            {
                progress.sessions += $0; onProgress(progress)
            }
        ) { transaction, id in
            guard let row = try await transaction.session(row: id) else { return }
            let due = configuration.dueAt(row.record, lastActivity: row.lastActivity)
            try await transaction.update(row, dueAt: due)
        }
        try await rotate(
            Self.heads,
            {
                progress.auditHeads += $0; onProgress(progress)
            }
        ) { transaction, id in
            try await transaction.rewriteAuditHead(id)
        }
        return progress
    }

    private func rotate(
        _ batch: Statement,
        _ onBatch: (Int) -> Void,
        _ write: (StoreTransaction, [UInt8]) async throws -> Void
    ) async throws {
        while true {
            let rows = try await store.client.query(batch, [.int2(Int16(store.ring.current.id))])
            if rows.isEmpty { return }
            for row in rows {
                let id = try row.bytea(0)
                try await store.transaction { try await write($0, id) }
            }
            onBatch(rows.count)
        }
    }

    private static func batch(_ table: String) -> Statement {
        Statement("signer.rotate_\(table)", "SELECT id FROM signer.\(table) WHERE key_id <> $1 LIMIT 200")
    }
    private static let shares = batch("shares")
    private static let sessions = batch("sessions")
    private static let heads = batch("audit_heads")
}

extension StoreTransaction {
    /// Writes a share, and the one that waits to take its place, under the newest secret.
    func rewriteShare(_ id: [UInt8]) async throws {
        guard let row = try await query(RotationSQL.share, [.bytea(id)]).first else { return }
        let share = try Self.share(ring, id: id, sealed: row.bytea(0), secret: row.bytea(1))
        let new = name(Self.natural(share), in: Self.shares)
        let (group, secret) = try sealed(share, row: new, table: Self.shares, secretTable: Self.shareSecrets)
        var next: (group: PostgresValue, secret: PostgresValue) = (.null, .null)
        if let group = try row.optionalBytea(2), let secret = try row.optionalBytea(3) {
            let (table, secretTable) = (Self.nextShares, Self.nextShareSecrets)
            let share = try Self.share(
                ring,
                id: id,
                sealed: group,
                secret: secret,
                table: table,
                secretTable: secretTable
            )
            next = try sealed(share, row: new, table: table, secretTable: secretTable)
        }
        let values = [.bytea(id), .bytea(new), keyID, Self.newVersion(), group, secret, next.group, next.secret]
        try await execute(RotationSQL.rewriteShare, values)
    }

    func rewriteAuditHead(_ id: [UInt8]) async throws {
        guard let row = try await query(RotationSQL.head, [.bytea(id)]).first else { return }
        let head = try open(AuditHead.self, row.bytea(0), table: Self.auditHeads, row: id)
        let new = name(head.user.bytes, in: Self.auditHeads)
        let sealed = try seal(head, table: Self.auditHeads, row: new)
        try await execute(AuditSQL.moveHead, [.bytea(id), .bytea(new), keyID, sealed])
    }

    static let nextShares = "next_shares"
    static let nextShareSecrets = "next_share_secrets"
}

private enum RotationSQL {
    static let share = Statement(
        "signer.rotate_share_read",
        "SELECT sealed, sealed_secret, sealed_next, sealed_next_secret FROM signer.shares WHERE id = $1 FOR UPDATE"
    )
    static let rewriteShare = Statement(
        "signer.rotate_share_write",
        """
        UPDATE signer.shares SET id = $2, key_id = $3, version = $4, sealed = $5, sealed_secret = $6,
            sealed_next = $7::bytea, sealed_next_secret = $8::bytea WHERE id = $1
        """
    )
    static let head = Statement(
        "signer.rotate_head_read",
        "SELECT sealed FROM signer.audit_heads WHERE id = $1 FOR UPDATE"
    )
}
