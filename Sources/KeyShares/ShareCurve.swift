// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The curve of a wallet's key.
public enum ShareCurve: String, Sendable, Hashable, Codable, CaseIterable, CodingKeyRepresentable {
    case secp256k1
    case ed25519

    /// Bytes of a public key: a compressed point of secp256k1, or an encoded one of ed25519 (RFC 8032).
    public var publicKeyCount: Int {
        switch self {
        case .secp256k1: 33
        case .ed25519: 32
        }
    }
}

/// The public key of a wallet, known to be one of its curve.
public struct WalletPublicKey: Sendable, Hashable, CustomStringConvertible {
    public let curve: ShareCurve
    /// 33 bytes for secp256k1, 32 for ed25519.
    public let bytes: [UInt8]

    /// Reads a key.
    ///
    /// - Throws: `.publicKeyLength`, or `.publicKeyInvalid` for bytes that encode no point, and on ed25519 for points
    ///   outside the group of prime order, which are nobody's public key.
    public init(_ curve: ShareCurve, _ bytes: [UInt8]) throws(KeyShareError) {
        guard bytes.count == curve.publicKeyCount else { throw .publicKeyLength(curve) }
        guard curve.hasPoint(bytes) else { throw .publicKeyInvalid(curve) }
        self.curve = curve
        self.bytes = bytes
    }

    public var description: String { "\(curve) key" }
}

/// Why a key, a share or a step of sharing is refused; the text may go into an answer.
public enum KeyShareError: Error, Sendable, Hashable, CustomStringConvertible {
    case publicKeyLength(ShareCurve)
    case publicKeyInvalid(ShareCurve)
    /// A share has 64 bytes.
    case shareLength
    /// A half of the share is zero or not below the order of the group.
    case shareOutOfRange(ShareCurve)
    /// A commitment is no point of the curve, or their number is not the threshold.
    case commitmentInvalid(ShareCurve)
    /// The share does not lie on the polynomial that was committed to.
    case commitmentMismatch
    /// The threshold is at least 2 and at most the number of nodes.
    case thresholdOutOfRange
    /// Two shares belong to one node.
    case duplicateNode
    /// Shares of two curves, two keys or two epochs do not combine.
    case mixedShares
    /// The refresh starts from another epoch than the share's.
    case epochConflict(current: Int32)
    /// The result would be zero: deal again with fresh randomness.
    case zeroResult

    public var description: String {
        switch self {
        case .publicKeyLength(let curve): "a public key of \(curve) has \(curve.publicKeyCount) bytes"
        case .publicKeyInvalid(let curve): "the public key is not a point of \(curve)"
        case .shareLength: "a share has 64 bytes"
        case .shareOutOfRange(let curve): "both halves of a share lie between 1 and the order of \(curve) minus 1"
        case .commitmentInvalid(let curve): "the commitments are not 2 to 32 points of \(curve)"
        case .commitmentMismatch: "the share does not fit the commitments"
        case .thresholdOutOfRange: "the threshold must be at least 2 and at most the number of nodes"
        case .duplicateNode: "two shares belong to the same node"
        case .mixedShares: "shares of different curves or epochs do not combine"
        case .epochConflict(let current): "the share is of epoch \(current): fetch it again and start over"
        case .zeroResult: "the result is zero: deal again"
        }
    }
}
