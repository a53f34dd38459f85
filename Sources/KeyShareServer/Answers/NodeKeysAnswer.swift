// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import KeyShareNode
internal import KeyShareProtocol

/// The keys that a node had, each signed by the one before; the newest first.
struct NodeKeysAnswer: Encodable {
    struct Key: Encodable {
        let version: Int32
        let public_key: String
        let is_active: Bool
        let created_at: String
        let rotated_at: String?
        let signature: String?

        enum CodingKeys: CodingKey { case version, public_key, is_active, created_at, rotated_at, signature }

        init(_ key: NodePublicKey) {
            version = key.version
            public_key = Hex.encode(key.publicKey)
            is_active = key.isActive
            created_at = key.createdAt.formatted(.iso8601)
            rotated_at = key.rotatedAt?.formatted(.iso8601)
            signature = key.signature.map { Hex.encode($0) }
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(version, forKey: .version)
            try container.encode(public_key, forKey: .public_key)
            try container.encode(is_active, forKey: .is_active)
            try container.encode(created_at, forKey: .created_at)
            try container.encode(rotated_at, forKey: .rotated_at)
            try container.encode(signature, forKey: .signature)
        }
    }

    let keys: [Key]

    init(_ service: KeyShareService) async throws(KeyShareFailure) {
        keys = try await service.publicKeys().map(Key.init)
    }
}
