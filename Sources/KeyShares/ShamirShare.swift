// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import Secp256k1

/// The place of a node in the sharing of a key: the x of its share.
public struct NodeIdentifier: Sendable, Hashable, CustomStringConvertible {
    public let curve: ShareCurve
    /// 32 bytes: big-endian for secp256k1, little-endian for ed25519.
    public let bytes: [UInt8]

    /// The identifier of a node by its name: SHA-256 with the highest byte cleared, so that it is below every order.
    public init(nodeName: String, curve: ShareCurve) {
        var digest = Array(SHA256.hash(data: Array(nodeName.utf8)))
        switch curve {
        case .secp256k1: digest[0] = 0
        case .ed25519: digest[31] = 0
        }
        self.curve = curve
        bytes = digest
    }

    init(_ curve: ShareCurve, checked bytes: [UInt8]) {
        self.curve = curve
        self.bytes = bytes
    }

    public var description: String { Hex.encode(bytes) }
}

/// One node's share of a wallet's key: a point (x, y) of a polynomial over the numbers of the curve.
///
/// Both halves are known to be in range. The secret half is overwritten when the last copy goes, and nothing prints it.
public struct ShamirShare: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// Bytes of a share on the wire.
    public static let count = 64

    public let identifier: NodeIdentifier
    let secret: SecretBytes

    public var curve: ShareCurve { identifier.curve }

    /// Reads a share: x and y of 32 bytes each, big-endian for secp256k1, little-endian for ed25519.
    ///
    /// - Throws: `.shareLength`, or `.shareOutOfRange` for a half that is zero or not below the group's order.
    public init(_ curve: ShareCurve, _ bytes: some Collection<UInt8>) throws(KeyShareError) {
        guard bytes.count == Self.count else { throw .shareLength }
        guard
            curve.withNumbers({
                Self.isInRange($0, bytes.prefix(SecretBytes.count))
                    && Self.isInRange($0, bytes.suffix(SecretBytes.count))
            })
        else { throw .shareOutOfRange(curve) }
        identifier = NodeIdentifier(curve, checked: Array(bytes.prefix(SecretBytes.count)))
        secret = SecretBytes { target in
            for (index, byte) in bytes.suffix(SecretBytes.count).enumerated() { target[index] = byte }
        }
    }

    init<Number: ShareNumber>(_ identifier: NodeIdentifier, _ number: Number) throws(KeyShareError) {
        guard !number.isZero else { throw .zeroResult }
        self.identifier = identifier
        secret = SecretBytes { target in
            number.withBytes { bytes in for (index, byte) in bytes.enumerated() { target[index] = byte } }
        }
    }

    private static func isInRange<Number: ShareNumber>(_: Number.Type, _ bytes: some Collection<UInt8>) -> Bool {
        Number(wire: bytes).map { !$0.isZero } ?? false
    }

    /// The 64 bytes of the wire, in memory that nobody overwrites but the caller.
    public var bytes: [UInt8] {
        identifier.bytes + secret.withPointer { Array(UnsafeBufferPointer(start: $0, count: SecretBytes.count)) }
    }

    /// The secret half times the base point, as an encoded point: what proves that a share is whole, without showing it.
    public var verifyingShare: [UInt8] { curve.withNumbers { Self.verifyingShare($0, of: self) } }

    private static func verifyingShare<Number: ShareNumber>(_: Number.Type, of share: ShamirShare) -> [UInt8] {
        guard let point = Number(of: share).element else { preconditionFailure("a share is not zero") }
        return point.wire
    }

    /// Compares the secret halves in constant time.
    public static func == (left: Self, right: Self) -> Bool {
        guard left.identifier == right.identifier else { return false }
        return left.secret.withPointer { left in
            right.secret.withPointer { right in
                constantTimeEqual(
                    UnsafeBufferPointer(start: left, count: SecretBytes.count),
                    UnsafeBufferPointer(start: right, count: SecretBytes.count)
                )
            }
        }
    }

    public var description: String { "[redacted share of \(curve)]" }

    public var customMirror: Mirror { Mirror(self, children: []) }
}

extension ShareNumber {
    /// The secret half of a share of this curve.
    init(of share: ShamirShare) {
        let number = share.secret.withPointer { Self(wire: UnsafeBufferPointer(start: $0, count: SecretBytes.count)) }
        guard let number else { preconditionFailure("shares are checked when they are read") }
        self = number
    }

    /// The place of a node.
    init(of identifier: NodeIdentifier) {
        guard let number = Self(wire: identifier.bytes) else {
            preconditionFailure("identifiers are checked when they are made")
        }
        self = number
    }
}
