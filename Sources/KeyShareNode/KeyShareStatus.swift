// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import AuditChains
public import FoundationEssentials

/// What a node's store says of itself.
public struct KeyShareStatus: Sendable, Hashable {
    /// Whether the database answers.
    public var isDatabaseConnected: Bool
    public var isSealed: Bool
    /// Whether share routes answer.
    public var isServing: Bool
    /// The newest step of the database's tables; `nil` when it cannot be asked.
    public var schemaVersion: Int32?
    /// The epoch that seals; `nil` when it is not known.
    public var keyEpoch: Int32?
    /// Rows that still are of format 1.
    public var formerRows: Int64?
    /// All shares.
    public var shares: Int64?
    public var auditHead: SignedAuditHead?
    /// The node's Ed25519 key, 64 digits.
    public var publicKey: String?
    /// Why the database does not answer; for operators.
    public var fault: String?
}

/// The end of the audit's chain as the node last signed it.
public struct SignedAuditHead: Sendable, Hashable {
    public let head: AuditChainHead
    /// 32 bytes.
    public let publicKey: [UInt8]
    /// 64 bytes, over ``AuditChainHead/signedDigest``.
    public let signature: [UInt8]
    public let signedAt: Date
}

/// One of the Ed25519 keys that a node had.
public struct NodePublicKey: Sendable, Hashable {
    /// From 1.
    public let version: Int32
    /// 32 bytes.
    public let publicKey: [UInt8]
    public let isActive: Bool
    public let createdAt: Date
    public let rotatedAt: Date?
    /// By the key before, 64 bytes, over ``signedText(previous:next:)``; `nil` for a first key.
    public let signature: [UInt8]?

    /// What a key signs to name its successor; keys in hexadecimal.
    public static func signedText(previous: String, next: String) -> String {
        ["assay-ks-node-key-v1", previous, next].joined(separator: "\n")
    }
}

/// How many of the pieces of the root secret have been given.
public struct UnsealProgress: Sendable, Hashable {
    public let given: Int
    public let needed: Int
    public let isSealed: Bool
}

/// How far a rotation of the key-encryption key is.
public struct KeyRotationProgress: Sendable, Hashable {
    /// The epoch that seals now.
    public var epoch: Int32
    /// Rows whose data key was wrapped anew.
    public var rewrapped = 0
    /// Rows that could not be opened; they keep their epoch from being retired.
    public var damaged = 0
    /// Whether the earlier epochs are retired.
    public var isComplete = false
}

/// One entry of the audit.
public struct AuditRecord: Sendable, Hashable {
    public let entry: AuditChainEntry
    /// 32 bytes.
    public let hash: [UInt8]
}

/// What following the audit's chain has shown.
public struct AuditVerification: Sendable, Hashable {
    public var entries: Int64 = 0
    public var signedHeads = 0
    /// One sentence for each thing that does not hold.
    public var faults: [String] = []

    public var holds: Bool { faults.isEmpty }
}

/// What another database holds, and whether this node's secrets open it.
public struct DatabaseCheck: Sendable, Hashable {
    /// The newest step of its tables; `nil` for a database without them.
    public var schemaVersion: Int32?
    /// The newest step that this build knows.
    public var expectedVersion: Int32
    /// Rows by table.
    public var rowCounts: [String: Int64] = [:]
    public var opened = 0
    public var failed = 0

    /// Whether it can take the live database's place.
    public var isSound: Bool { schemaVersion.map { $0 <= expectedVersion } == true && failed == 0 }
}

/// Why a node cannot start, or a command cannot be done; says what to do.
public struct KeyShareNodeError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of an error.
    public enum Code: String, Sendable, Hashable {
        /// The secret is missing, or not the one that the database was written with.
        case secret
        /// The database is of a newer program, or cannot be changed.
        case schema
        /// The database does not answer.
        case unavailable
        /// The node is sealed.
        case sealed
        /// What is stored cannot be read.
        case damaged
        case refused
    }

    public let code: Code
    public let detail: String

    public init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    public var description: String { detail }
}
