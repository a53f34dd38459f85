// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Why a backup cannot be written, or is not believed.
public enum BackupError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not a container of this version, or one with a header out of range.
    case malformed
    /// The description of the backup does not fit 65,535 bytes.
    case metadataTooLarge
    /// Another key's container, or one that was changed, reordered or cut at its end.
    case forged
    /// The container ends before its last chunk.
    case truncated
    /// More than 2^32 chunks.
    case tooLarge
    /// The container was sealed for other recipients, or for none.
    case notARecipient
    /// A backup for recipients that no node with this root secret has made.
    case strange
    /// A recipient is a public key of X25519, 64 hexadecimal digits.
    case badRecipient

    public var description: String {
        switch self {
        case .malformed: "not a backup of this node's format (AKB1)"
        case .metadataTooLarge: "the description of the backup is larger than 65,535 bytes"
        case .forged: "the backup was changed, cut, or sealed with another key"
        case .truncated: "the backup is cut: its last chunk is missing"
        case .tooLarge: "the backup is larger than 256 TiB"
        case .notARecipient: "the backup was sealed for other keys"
        case .strange: "the backup was not made by a node with this root secret"
        case .badRecipient: "a recipient is an X25519 public key of 64 hexadecimal digits"
        }
    }
}
