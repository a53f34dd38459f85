// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials

/// One entry of an audit chain: what happened, with the hash of the entry before.
public struct AuditChainEntry: Sendable, Hashable, Codable {
    /// From 1, without gaps.
    public let seq: Int64
    /// UTC, as RFC 3339 with milliseconds.
    public let at: String
    /// What was done, such as `keyshare.get`.
    public let action: String
    /// Whom it was about; a pseudonym where it is a person.
    public let subject: String
    /// `ok`, or why not.
    public let outcome: String
    /// The hash of the entry before, 64 digits; zeros for the first.
    public let prev: String

    public init(seq: Int64, at: String, action: String, subject: String, outcome: String, prev: String) {
        self.seq = seq
        self.at = at
        self.action = action
        self.subject = subject
        self.outcome = outcome
        self.prev = prev
    }

    /// JSON with sorted members and no spaces, of which the hash is taken.
    public var canonical: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("texts and numbers are JSON") }
        return Array(data)
    }

    /// SHA-256("assay-audit-v1\n" || canonical JSON).
    public var hash: [UInt8] { Array(SHA256.hash(data: Array("assay-audit-v1\n".utf8) + canonical)) }
}

/// The end of a chain: all that the next entry and a verifier need.
public struct AuditChainHead: Sendable, Hashable {
    /// Of the last entry; 0 for a chain without one.
    public let seq: Int64
    /// Of the last entry, 32 bytes.
    public let hash: [UInt8]

    /// The head of a chain without entries.
    public static let empty = AuditChainHead(seq: 0, hash: [UInt8](repeating: 0, count: 32))

    /// - Precondition: the hash has 32 bytes.
    public init(seq: Int64, hash: [UInt8]) {
        precondition(hash.count == 32, "a hash has 32 bytes")
        self.seq = seq
        self.hash = hash
    }

    /// The next entry of the chain.
    public func next(at: String, action: String, subject: String, outcome: String) -> AuditChainEntry {
        AuditChainEntry(
            seq: seq + 1,
            at: at,
            action: action,
            subject: subject,
            outcome: outcome,
            prev: Hex.encode(hash)
        )
    }

    /// Follows the chain by one entry.
    ///
    /// - Throws: `.broken` when the entry does not come next.
    public func following(_ entry: AuditChainEntry) throws(AuditChainFault) -> AuditChainHead {
        guard entry.seq == seq + 1, entry.prev == Hex.encode(hash) else { throw .broken(after: seq) }
        return AuditChainHead(seq: entry.seq, hash: entry.hash)
    }

    /// SHA-256 of ``signedText``, 32 bytes: what a node signs with its Ed25519 key to stand by its chain.
    public var signedDigest: [UInt8] { Array(SHA256.hash(data: Array(signedText.utf8))) }

    /// What the signature is about.
    public var signedText: String { "assay-audit-head|\(seq)|\(Hex.encode(hash))" }

    /// Whether a head was signed with a node's Ed25519 key.
    public func isSigned(_ signature: [UInt8], by publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: signedDigest)
    }
}

/// Where a chain does not hold.
public enum AuditChainFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// The entry after this one was changed, moved or deleted.
    case broken(after: Int64)
    /// The chain ends before the head that was signed.
    case short(Int64)

    public var description: String {
        switch self {
        case .broken(let seq): "the audit chain is broken after entry \(seq)"
        case .short(let seq): "the audit chain ends at entry \(seq), before the head that was signed"
        }
    }
}

/// Pseudonyms for the subjects of an audit: the same person has the same one, and nobody without the key knows whose.
public struct AuditPseudonyms: Sendable, CustomStringConvertible, CustomReflectable {
    private let key: SymmetricKey

    /// - Precondition: the key has at least 16 bytes.
    public init(key: [UInt8]) {
        precondition(key.count >= 16, "a short key can be guessed")
        self.key = SymmetricKey(data: key)
    }

    /// HMAC-SHA-256 of a name, 64 digits.
    public func pseudonym(of name: String) -> String {
        Hex.encode(Array(HMAC<SHA256>.authenticationCode(for: Array(name.utf8), using: key)))
    }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}
