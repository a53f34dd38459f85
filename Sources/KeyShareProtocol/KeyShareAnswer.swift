// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import CommitReveal
internal import FoundationEssentials
public import KeyShares

/// The bodies of answers, in their envelope.
public enum KeyShareAnswer {
    /// `{"success":true,"data":...}`.
    public static func success(_ data: some Encodable) -> [UInt8] { encode(Success(data: data)) }

    /// `{"data":null,"success":true}`, of operations without a result.
    public static let empty: [UInt8] = encode(Success<Nothing>(data: nil))

    /// `{"success":false,"code":...,"msg":...}`.
    public static func failure(_ failure: KeyShareFailure) -> [UInt8] {
        encode(Failure(code: failure.code, msg: failure.message))
    }

    private struct Nothing: Encodable {}

    private struct Success<Content: Encodable>: Encodable {
        let data: Content?

        enum CodingKeys: String, CodingKey { case success, data }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(true, forKey: .success)
            try container.encode(data, forKey: .data)
        }
    }

    private struct Failure: Encodable {
        let success = false
        let code: KeyShareFailureCode
        let msg: String
    }

    private static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { preconditionFailure("answers are JSON") }
        return Array(data)
    }

    /// A share in clear, as versions 1 and 2 send it.
    public struct Share: Sendable, Codable {
        public let shareID: String
        public let share: String

        enum CodingKeys: String, CodingKey {
            case shareID = "share_id"
            case share
        }

        /// - Parameter shareID: a UUID of lower case.
        public init(shareID: String, share: ShamirShare) {
            self.shareID = shareID
            self.share = Hex.encode(share.bytes)
        }
    }

    /// A share as version 3 sends it.
    public struct SealedShare: Sendable, Codable {
        public let shareID: String
        public let epoch: Int32
        public let share: KeyShareV3.Sealed

        enum CodingKeys: String, CodingKey {
            case shareID = "share_id"
            case epoch
            case share
        }

        public init(shareID: String, epoch: Int32, share: KeyShareV3.Sealed) {
            self.shareID = shareID
            self.epoch = epoch
            self.share = share
        }
    }

    /// Whether a share is there.
    public struct Existence: Sendable, Codable {
        public let exists: Bool

        public init(exists: Bool) { self.exists = exists }
    }

    /// A node's answer to a commitment.
    public struct Committed: Sendable, Codable {
        public let nodeKey, signature: String
        /// Version 3 only: UTC with milliseconds.
        public let expiresAt: String?

        enum CodingKeys: String, CodingKey {
            case nodeKey = "node_pubkey"
            case signature = "node_signature"
            case expiresAt = "expires_at"
        }

        public init(_ session: RevealSession, by node: NodeKey) {
            nodeKey = node.hex
            signature = Hex.encode(session.answer(by: node))
            expiresAt = session.commitment.version == .v3 ? session.expiry : nil
        }
    }

    /// One of a user's own wallets, as `list` shows it.
    public struct Wallet: Sendable, Codable {
        public let curve: ShareCurve
        public let publicKey: String
        public let epoch: Int32
        public let createdAt, updatedAt: String

        enum CodingKeys: String, CodingKey {
            case curve = "curve_type"
            case publicKey = "public_key"
            case epoch
            case createdAt = "created_at"
            case updatedAt = "updated_at"
        }

        public init(key: WalletPublicKey, epoch: Int32, createdAt: String, updatedAt: String) {
            curve = key.curve
            publicKey = Hex.encode(key.bytes)
            self.epoch = epoch
            self.createdAt = createdAt
            self.updatedAt = updatedAt
        }
    }

    /// A refresh that waits for its commit.
    public struct Prepared: Sendable, Codable {
        public let refreshID: String
        /// The highest of the epochs that it makes.
        public let epoch: Int32
        /// The epoch that it makes for each wallet.
        public let epochs: [ShareCurve: Int32]

        enum CodingKeys: String, CodingKey {
            case refreshID = "refresh_id"
            case epoch
            case epochs
        }

        public init(refreshID: String, epochs: [ShareCurve: Int32]) {
            self.refreshID = refreshID
            self.epochs = epochs
            epoch = epochs.values.max() ?? 0
        }
    }
}
