// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
public import FoundationEssentials

/// A commitment to a login token: from here on only the holder of the client's key can use the token at this node.
public struct Commitment: Sendable, Hashable {
    public let sessionID: UUID
    public let operation: OperationType
    /// The client's Ed25519 key of this session, 32 bytes.
    public let clientKey: [UInt8]
    /// SHA-256 over the type of the login and the token, 32 bytes.
    public let tokenHash: [UInt8]
    public let version: ProtocolVersion

    /// Reads a commitment's fields, in the order of the body.
    ///
    /// - Throws: `.malformedCommitment`, naming the first field that is out of form.
    public init(
        sessionID: String,
        operation: String,
        clientKey: String,
        tokenHash: String,
        version: ProtocolVersion
    ) throws(CommitRevealFailure) {
        guard let id = UUID(uuidString: sessionID) else { throw .malformedCommitment("session_id") }
        guard let type = OperationType(rawValue: operation), version == .v3 || type.isInVersion2 else {
            throw .malformedCommitment("operation_type")
        }
        guard let key = Hex.decode(clientKey), key.count == 32 else {
            throw .malformedCommitment("client_ephemeral_pubkey")
        }
        guard let hash = Hex.decode(tokenHash), hash.count == 32 else { throw .malformedCommitment("id_token_hash") }
        self.sessionID = id
        self.operation = type
        self.clientKey = key
        self.tokenHash = hash
        self.version = version
    }

    /// The hash that is committed to.
    public static func tokenHash(authType: String, token: String) -> [UInt8] {
        Array(SHA256.hash(data: Array((authType + token).utf8)))
    }
}

/// A session from its commitment to its last call.
public struct RevealSession: Sendable, Hashable {
    /// How long a session lives.
    public static let lifetime: Int64 = 300_000

    /// Where a session stands.
    public enum State: String, Sendable, Hashable, Codable {
        case committed = "COMMITTED"
        case completed = "COMPLETED"
        case expired = "EXPIRED"
    }

    public let commitment: Commitment
    public var state: State
    /// Unix milliseconds.
    public let createdAt: Int64
    /// Unix milliseconds.
    public let expiresAt: Int64

    /// A session as it is stored.
    public init(_ commitment: Commitment, state: State, createdAt: Int64, expiresAt: Int64) {
        self.commitment = commitment
        self.state = state
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    /// Opens a session; the caller must have found id, key and hash unused.
    ///
    /// - Parameter now: Unix milliseconds.
    public init(opening commitment: Commitment, now: Int64) {
        self.init(commitment, state: .committed, createdAt: now, expiresAt: now + Self.lifetime)
    }

    /// The id as it is signed.
    public var id: String { commitment.sessionID.uuidString.lowercased() }

    /// When the session ends, as it is sent and signed: UTC with milliseconds.
    public var expiry: String {
        Date(timeIntervalSince1970: Double(expiresAt) / 1000)
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// What the node answers a commitment with, 64 bytes.
    ///
    /// In version 2 it says nothing but which key the node has; in version 3 it is bound to the session.
    public func answer(by node: NodeKey) -> [UInt8] {
        switch commitment.version {
        case .v2: node.signature(of: digest(node.hex))
        case .v3: node.signature(of: commitText(nodeKey: node.hex))
        }
    }

    /// The lines that a node signs in version 3.
    func commitText(nodeKey: String) -> String {
        [
            "assay-ks-commit-v3", nodeKey, id, commitment.operation.rawValue, Hex.encode(commitment.clientKey),
            Hex.encode(commitment.tokenHash), expiry,
        ].joined(separator: "\n")
    }
}

func digest(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }
