// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// A value of exactly 32 bytes, stored inline.
public protocol Bytes32: Sendable, Hashable, CustomStringConvertible {
    /// The four big-endian words of the value, first byte in the highest bits of the first word.
    var words: (UInt64, UInt64, UInt64, UInt64) { get }

    /// Makes the value from its words.
    init(words: (UInt64, UInt64, UInt64, UInt64))
}

private func bigEndianWords(_ bytes: UnsafeBufferPointer<UInt8>) -> (UInt64, UInt64, UInt64, UInt64)? {
    guard bytes.count == 32 else { return nil }
    let raw = UnsafeRawBufferPointer(bytes)
    func word(_ index: Int) -> UInt64 {
        UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
    return (word(0), word(1), word(2), word(3))
}

extension Bytes32 {
    /// Makes the value from bytes, or returns `nil` unless there are exactly 32.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let words = bytes.withBytes(bigEndianWords) else { return nil }
        self.init(words: words)
    }

    /// Makes the value from 64 hexadecimal digits in either case, or returns `nil`.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        let big = (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)
        return withUnsafeBytes(of: big) { Array($0) }
    }

    /// The value as 64 lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }

    public static func == (left: Self, right: Self) -> Bool {
        // No early exit, so that comparing secrets takes the same time whatever they hold.
        (left.words.0 ^ right.words.0) | (left.words.1 ^ right.words.1)
            | (left.words.2 ^ right.words.2) | (left.words.3 ^ right.words.3) == 0
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
