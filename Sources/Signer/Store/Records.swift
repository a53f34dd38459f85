// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Pomade

/// Proves a password without keeping what the client sends: HMAC(K_pw, email hash || password hash).
struct PasswordVerifier: Sendable, Codable, Hashable {
    /// Of the keys it was made with; it cannot be made anew without the password.
    let keyID: UInt8
    /// The address's hash, salted with the name that the client used.
    let emailHash: Hex32
    let mac: Hex32
    /// Whether it was set by somebody who had shown a code, and no password: it proves no more than the code did.
    var isFromCode: Bool?
}

/// What a session's row holds; times are Unix seconds.
struct SessionRecord: Sendable, Codable {
    let client: Hex32
    let user: Hex32
    let recovery: Bool
    let verified: Bool
    let createdAt: Int64
    /// Of the group, so that lists need not open the share.
    let threshold: Int
    var total: Int
    let idx: Int
    /// What the share times G is: another of the same key and number is not the session's.
    var publicShare: Hex33?
    /// Made by a login: its owner may once replace what was copied from the other session.
    let isFromLogin: Bool
    /// The login was by a mailed code, or by a password that was set with one.
    var isFromCode: Bool?
    var hasReplacedRecovery = false
    var deactivatedAt: Int64?
    var email: String?
    var isConfirmed = false
    /// One for each name of the signer.
    var emailHashes: [Hex32] = []
    var verifier: PasswordVerifier?
    var policy: SessionPolicy?
    /// How many of the warnings before deletion were sent.
    var warnings = 0
    var warnedAt: Int64?

    /// As lists show it.
    func item(lastActivity: Int64) -> SessionItem {
        SessionItem(
            pubkey: user,
            client: client,
            createdAt: createdAt,
            lastActivity: lastActivity,
            threshold: threshold,
            total: total,
            idx: idx,
            email: email,
            deactivatedAt: deactivatedAt,
            verified: verified
        )
    }
}

/// A session's row.
struct SessionRow: Sendable {
    let id: [UInt8]
    let shareID: [UInt8]
    let lastActivity: Int64
    var record: SessionRecord

    /// When nothing more may be signed: both what is in clear and what is sealed count.
    let closedAt: Int64?
}

/// A login or recovery that waits for its second step.
struct PendingRecord: Sendable, Codable {
    enum Kind: String, Codable { case login, recovery }
    let client: Hex32
    let kind: Kind
    let sessions: [Hex32]
    let createdAt: Int64
    /// Whether a mailed code began it.
    let isByCode: Bool?
}

/// A code that was mailed.
struct ChallengeRecord: Sendable, Codable {
    let emailHash: Hex32
    let keyID: UInt8
    let mac: Hex32
    let createdAt: Int64
    var attempts = 0
}

/// A recovery that waits for a veto.
struct RecoveryRequestRecord: Sendable, Codable {
    let emailHash: Hex32
    let createdAt: Int64
    let availableAt: Int64
}

/// Where a chain of the audit ends.
struct AuditHead: Sendable, Codable {
    let user: Hex32
    /// The chain's random name, 16 bytes in hexadecimal.
    let chain: String
    let seq: Int64
    let hash: Hex32
}

/// How records become bytes.
enum RecordCoding {
    static func bytes(_ record: some Encodable) throws -> [UInt8] { Array(try JSONEncoder().encode(record)) }

    static func record<Record: Decodable>(_ type: Record.Type, _ bytes: [UInt8]) throws -> Record {
        try JSONDecoder().decode(type, from: Data(bytes))
    }
}
