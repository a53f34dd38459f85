// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import Pomade
internal import Postgres
internal import SealedRecords

/// What the audit tells of.
enum AuditAction: String, Sendable, Codable, CaseIterable {
    case register, deactivate, delete, policy, refresh, repair
    case recoverySetup = "recovery_setup"
    case passwordRotate = "password_rotate"
    case emailConfirmed = "email_confirmed"
    case login
    case recoveryRequested = "recovery_requested"
    case recoveryCancelled = "recovery_cancelled"
    case recovered
    case idle
    case expired
}

/// One link of a user's chain.
struct AuditEntry: Sendable, Codable {
    let seq: Int64
    let time: Int64
    /// The session it was about, or zeros.
    let session: Hex32
    let action: AuditAction
    /// HMAC(K_audit, SHA-256 of the request's body): the request can be recognised, and nothing be read from it.
    let digest: Hex32
    let prev: Hex32

    /// SHA-256 over all members, each of fixed length but the action, which comes last.
    var hash: Hex32 {
        func bytes(_ number: Int64) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
        let text = prev.bytes + bytes(seq) + bytes(time) + session.bytes + digest.bytes + Array(action.rawValue.utf8)
        return Hex32(certain: Array(SHA256.hash(data: text)))
    }
}

extension StoreTransaction {
    static let audit = "audit"
    static let auditHeads = "audit_heads"

    static func auditRow(_ chain: [UInt8], _ seq: Int64) -> [UInt8] {
        chain + withUnsafeBytes(of: seq.bigEndian) { Array($0) }
    }

    private func head(_ user: Hex32) async throws -> (id: [UInt8], head: AuditHead)? {
        guard let row = try await query(AuditSQL.head, [names(user.bytes, in: Self.auditHeads)]).first else {
            return nil
        }
        let id = try row.bytea(0)
        return (id, try open(AuditHead.self, row.bytea(1), table: Self.auditHeads, row: id))
    }

    /// Adds a link to a user's chain.
    func note(_ action: AuditAction, user: Hex32, session: Hex32?, digest: [UInt8], now: Int64) async throws {
        let found = try await head(user)
        var chain = found.flatMap { Hex.decode($0.head.chain) } ?? []
        if chain.isEmpty { chain = Array(Hex32.random().bytes.prefix(16)) }
        let zeros = Hex32(certain: [UInt8](repeating: 0, count: 32))
        let entry = AuditEntry(
            seq: (found?.head.seq ?? 0) + 1,
            time: now,
            session: session ?? zeros,
            action: action,
            digest: Hex32(
                certain: Array(HMAC<SHA256>.authenticationCode(for: digest, using: ring.current.audit))
            ),
            prev: found?.head.hash ?? zeros
        )
        let row = Self.auditRow(chain, entry.seq)
        try await execute(
            AuditSQL.append,
            [.bytea(chain), .int8(entry.seq), try seal(entry, table: Self.audit, row: row)]
        )
        let id = name(user.bytes, in: Self.auditHeads)
        let head = AuditHead(user: user, chain: Hex.encode(chain), seq: entry.seq, hash: entry.hash)
        let sealed = try seal(head, table: Self.auditHeads, row: id)
        if let found {
            try await execute(AuditSQL.moveHead, [.bytea(found.id), .bytea(id), keyID, sealed])
        } else {
            try await execute(AuditSQL.insertHead, [.bytea(id), keyID, sealed])
        }
    }

    /// The last links of a user's chain, oldest first, and its end.
    func auditTail(_ user: Hex32, count: Int) async throws -> (entries: [AuditEntry], head: Hex32?) {
        guard let (_, head) = try await head(user), let chain = Hex.decode(head.chain) else { return ([], nil) }
        let rows = try await query(AuditSQL.tail, [.bytea(chain), .int8(head.seq - Int64(count))])
        let entries = try rows.map { row in
            try open(AuditEntry.self, row.bytea(1), table: Self.audit, row: Self.auditRow(chain, row.int8(0)))
        }
        return (entries, head.hash)
    }
}

enum AuditSQL {
    static let head = Statement(
        "signer.audit_head",
        "SELECT id, sealed FROM signer.audit_heads WHERE id = ANY($1)"
    )
    static let append = Statement(
        "signer.audit_append",
        "INSERT INTO signer.audit (chain, seq, sealed) VALUES ($1, $2, $3)"
    )
    static let insertHead = Statement(
        "signer.audit_head_insert",
        "INSERT INTO signer.audit_heads (id, key_id, sealed) VALUES ($1, $2, $3)"
    )
    static let moveHead = Statement(
        "signer.audit_head_move",
        "UPDATE signer.audit_heads SET id = $2, key_id = $3, sealed = $4 WHERE id = $1"
    )
    static let tail = Statement(
        "signer.audit_tail",
        "SELECT seq, sealed FROM signer.audit WHERE chain = $1 AND seq > $2 ORDER BY seq"
    )
    static let page = Statement(
        "signer.audit_page",
        "SELECT seq, sealed FROM signer.audit WHERE chain = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT 500"
    )
    static let heads = Statement(
        "signer.audit_heads_page",
        "SELECT id, sealed FROM signer.audit_heads WHERE id > $1 ORDER BY id LIMIT 500"
    )
    static let chains = Statement("signer.audit_chains", "SELECT count(DISTINCT chain) FROM signer.audit")
}
