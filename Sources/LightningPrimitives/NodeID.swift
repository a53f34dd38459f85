// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// A node's identity: its compressed secp256k1 public key of 33 bytes (BOLT 7), stored inline.
///
/// Only the form is checked (first byte 02 or 03), not that the point lies on the curve.
public struct NodeID: Sendable, Hashable, Comparable, CustomStringConvertible {
    private let parity: UInt8
    private let x: (UInt64, UInt64, UInt64, UInt64)

    /// Makes an identity from 33 bytes, or returns `nil` when they are not a compressed public key in form.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 33, let first = bytes.first, first == 2 || first == 3 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in bytes.dropFirst().enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
        parity = first
        x = (words[0], words[1], words[2], words[3])
    }

    /// Makes an identity from 66 hexadecimal digits in either case, or returns `nil`.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// The 33 bytes.
    public var bytes: [UInt8] {
        var result: [UInt8] = [parity]
        result.reserveCapacity(33)
        for word in [x.0, x.1, x.2, x.3] {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return result
    }

    /// The key as 66 lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }

    public var description: String { hex }

    public static func == (left: NodeID, right: NodeID) -> Bool {
        left.x == right.x && left.parity == right.parity
    }

    /// Orders as the bytes do, which is how BOLT 7 decides who is node 1 of a channel.
    public static func < (left: NodeID, right: NodeID) -> Bool {
        left.parity != right.parity ? left.parity < right.parity : left.x < right.x
    }

    public func hash(into hasher: inout Hasher) {
        // Keys are uniform: 16 bytes are plenty.
        hasher.combine(x.0)
        hasher.combine(x.1)
    }
}
