// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Secp256k1

/// A participant's number: the place at which the polynomial gives its share.
///
/// 1 to 4,294,967,295; zero would be the secret itself and cannot be made.
public struct Identifier: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let number: UInt32

    /// Makes an identifier, or returns `nil` for zero and what does not fit 32 bits.
    public init?(_ number: some BinaryInteger) {
        guard let number = UInt32(exactly: number), number > 0 else { return nil }
        self.number = number
    }

    public var scalar: Scalar { Scalar(UInt64(number)) }

    /// 32 big-endian bytes, as every hash takes it.
    public var bytes: [UInt8] { [UInt8](repeating: 0, count: 28) + bigEndian }

    /// 4 big-endian bytes.
    var bigEndian: [UInt8] { FROST.bigEndian(number) }

    public var description: String { String(number) }

    public static func < (left: Identifier, right: Identifier) -> Bool { left.number < right.number }

    /// The identifiers 1 to `count`.
    public static func first(_ count: Int) -> [Identifier] {
        count < 1 ? [] : (1...count).compactMap { Identifier($0) }
    }
}

func bigEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

/// Refuses a list that names someone twice.
func requireDistinct(_ identifiers: [Identifier]) throws(FROSTError) {
    var seen: Set<Identifier> = []
    for identifier in identifiers where !seen.insert(identifier).inserted {
        throw .duplicateIdentifier(identifier)
    }
}
