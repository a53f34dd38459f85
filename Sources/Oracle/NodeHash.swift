// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import LightningPrimitives

/// The name of a node in the API: SHA-256 of its key's 66 lower-case hexadecimal digits, as text.
public struct NodeHash: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// The name of a node.
    public init(of id: NodeID) {
        guard let hash = NodeHash(Array(SHA256.hash(data: Array(id.hex.utf8)))) else {
            preconditionFailure("SHA-256 yields 32 bytes")
        }
        self = hash
    }

    public var description: String { hex }
}

/// How a caller names a node: by hash or by public key.
public enum NodeIdentifier: Sendable, Hashable {
    case hash(NodeHash)
    case publicKey(NodeID)

    /// Reads 64 hexadecimal digits as a hash or 66 as a compressed public key, in either case; `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        switch text.utf8.count {
        case 64:
            guard let hash = NodeHash(hex: text) else { return nil }
            self = .hash(hash)
        case 66:
            guard let id = NodeID(hex: text) else { return nil }
            self = .publicKey(id)
        default:
            return nil
        }
    }

    /// The hash in either case.
    public var hash: NodeHash {
        switch self {
        case .hash(let hash): hash
        case .publicKey(let id): NodeHash(of: id)
        }
    }
}
