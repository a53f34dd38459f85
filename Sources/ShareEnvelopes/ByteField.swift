// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The field of 256 elements with the polynomial of AES, x^8 + x^4 + x^3 + x + 1.
///
/// Products take the same time for all values; there are no tables whose use a cache could tell.
enum ByteField {
    static func multiply(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var (left, right, product) = (left, right, 0 as UInt8)
        for _ in 0..<8 {
            product ^= left & (0 &- (right & 1))
            let carry = 0 &- (left >> 7)
            left = left << 1 ^ (carry & 0x1B)
            right >>= 1
        }
        return product
    }

    /// 1 divided by a value, zero for zero: the power 254.
    static func invert(_ value: UInt8) -> UInt8 {
        var (power, result) = (value, 1 as UInt8)
        // 254 is 2 + 4 + ... + 128.
        for _ in 0..<7 {
            power = multiply(power, power)
            result = multiply(result, power)
        }
        return result
    }

    /// A polynomial's value; coefficients from the constant upwards.
    static func value(of coefficients: some BidirectionalCollection<UInt8>, at x: UInt8) -> UInt8 {
        coefficients.reversed().reduce(0) { multiply($0, x) ^ $1 }
    }

    /// The weight of place `x` in the value at zero of the polynomial through distinct places.
    static func weight(of x: UInt8, among places: [UInt8]) -> UInt8 {
        places.filter { $0 != x }.reduce(1) { multiply($0, multiply($1, invert($1 ^ x))) }
    }
}
