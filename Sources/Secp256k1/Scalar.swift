// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CSecp256k1

/// An integer modulo the group order n, zero included.
///
/// Its bytes are overwritten when the last copy goes, and Swift prints it as `[redacted]`.
/// Sums, products and negations take the same time for all values but zero; ``inverse`` is for public values.
public struct Scalar: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    private let storage: SecretBytes

    public static let zero = Scalar { _ in }
    public static let one = Scalar(1 as UInt64)

    private init(_ write: (UnsafeMutablePointer<UInt8>) -> Void) { storage = SecretBytes(write) }

    /// Reads 32 big-endian bytes, or returns `nil` when they are not in 0..<n.
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == SecretBytes.count else { return nil }
        let scalar = Scalar { target in
            Self.withBuffer(of: bytes) { source in
                UnsafeMutableRawBufferPointer(start: target, count: SecretBytes.count)
                    .copyMemory(from: UnsafeRawBufferPointer(source))
            }
        }
        guard scalar.isZero || scalar.withPointer({ secp256k1_ec_seckey_verify(Curve.context, $0) }) == 1 else {
            return nil
        }
        self = scalar
    }

    public init(_ value: UInt64) {
        self.init { target in
            for index in 0..<8 { target[31 - index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
        }
    }

    /// The secret as a number.
    public init(_ key: SecretKey) {
        self.init { target in for (index, byte) in key.bytes.enumerated() { target[index] = byte } }
    }

    /// Reduces a big-endian integer modulo n.
    ///
    /// - Precondition: the size is a multiple of 16 bytes.
    public init(reducing bytes: some RandomAccessCollection<UInt8>) {
        precondition(bytes.count.isMultiple(of: 16), "the integer is taken in pieces of 128 bits")
        self = Self.withBuffer(of: bytes) { source in
            stride(from: 0, to: source.count, by: 16).reduce(.zero) { result, start in
                let low = Scalar { target in
                    for index in 0..<16 { target[16 + index] = source[start + index] }
                }
                return result * .twoTo128 + low
            }
        }
    }

    /// Lends a collection's bytes as they lie in memory, or a copy that is overwritten.
    private static func withBuffer<Result>(
        of bytes: some Collection<UInt8>,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result {
        if let result = bytes.withContiguousStorageIfAvailable(body) { return result }
        var copy = Array(bytes)
        defer { overwrite(&copy) }
        return copy.withUnsafeBufferPointer(body)
    }

    private static let twoTo128 = Scalar { $0[15] = 1 }

    /// Draws a scalar other than zero from the system's generator.
    public static func random() -> Scalar {
        var generator = SystemRandomNumberGenerator()
        while true {
            let scalar = Scalar { target in
                // Eight bytes at a time, since each draw is a call into the kernel.
                for word in 0..<SecretBytes.count / 8 {
                    withUnsafeBytes(of: generator.next() as UInt64) { bytes in
                        for (index, byte) in bytes.enumerated() { target[8 * word + index] = byte }
                    }
                }
            }
            if scalar.withPointer({ secp256k1_ec_seckey_verify(Curve.context, $0) }) == 1 { return scalar }
        }
    }

    public var isZero: Bool { withPointer { bytes in (0..<SecretBytes.count).reduce(0) { $0 | bytes[$1] } == 0 } }

    /// 32 big-endian bytes, in memory that nobody overwrites.
    public var rawBytes: [UInt8] { withBytes { Array($0) } }

    /// Lends the 32 big-endian bytes for the length of the call.
    public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        withPointer { body(UnsafeRawBufferPointer(start: $0, count: SecretBytes.count)) }
    }

    func withPointer<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result { storage.withPointer(body) }

    public var description: String { "[redacted]" }

    public var customMirror: Mirror { Mirror(self, children: []) }

    public static func == (left: Scalar, right: Scalar) -> Bool {
        left.withPointer { left in
            right.withPointer { right in
                (0..<SecretBytes.count).reduce(0) { $0 | (left[$1] ^ right[$1]) } == 0
            }
        }
    }
}

extension Scalar {
    public static func + (left: Scalar, right: Scalar) -> Scalar {
        // The library takes no zero on the left, and promises nothing about one on the right.
        if left.isZero { return right }
        if right.isZero { return left }
        var isSumZero = false
        let sum = left.combined(with: right) { target, right in
            isSumZero = secp256k1_ec_seckey_tweak_add(Curve.context, target, right) != 1
        }
        return isSumZero ? .zero : sum
    }

    public static func - (left: Scalar, right: Scalar) -> Scalar { left + -right }

    public static prefix func - (scalar: Scalar) -> Scalar {
        if scalar.isZero { return scalar }
        return scalar.combined(with: scalar) { target, _ in
            let isNegated = secp256k1_ec_seckey_negate(Curve.context, target) == 1
            precondition(isNegated, "a scalar between 1 and n - 1 has a negative")
        }
    }

    public static func * (left: Scalar, right: Scalar) -> Scalar {
        if left.isZero || right.isZero { return .zero }
        return left.combined(with: right) { multiply($0, by: $1) }
    }

    /// 1 divided by this number, or `nil` for zero.
    ///
    /// The time taken does not depend on the value, but it is that of 450 products: meant for public values.
    public var inverse: Scalar? {
        if isZero { return nil }
        // Fermat: the power n - 2, from the highest bit.
        return combined(with: self) { power, base in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: SecretBytes.count) { copy in
                guard let factor = copy.baseAddress else { return }
                defer { overwrite(UnsafeMutableRawBufferPointer(copy)) }
                for isSet in Self.orderMinusTwo.dropFirst() {
                    factor.update(from: power, count: SecretBytes.count)
                    Self.multiply(power, by: factor)
                    if isSet { Self.multiply(power, by: base) }
                }
            }
        }
    }

    private static func multiply(_ product: UnsafeMutablePointer<UInt8>, by factor: UnsafePointer<UInt8>) {
        let isProduct = secp256k1_ec_seckey_tweak_mul(Curve.context, product, factor) == 1
        precondition(isProduct, "a product modulo a prime is zero only when a factor is")
    }

    private static let orderMinusTwo: [Bool] = {
        let bytes = (-Scalar(2 as UInt64)).rawBytes
        return bytes.flatMap { byte in (0..<8).map { byte & (0x80 >> $0) != 0 } }
    }()

    private func combined(
        with other: Scalar,
        _ combine: (UnsafeMutablePointer<UInt8>, UnsafePointer<UInt8>) -> Void
    ) -> Scalar {
        Scalar { target in
            withPointer { target.update(from: $0, count: SecretBytes.count) }
            other.withPointer { combine(target, $0) }
        }
    }
}

extension SecretKey {
    /// The number as a secret key, or `nil` for zero.
    public init?(_ scalar: Scalar) { self.init(scalar.rawBytes) }
}
