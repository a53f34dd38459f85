// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// What an invoice writes in 5-bit groups besides whole bytes.
enum Groups {
    /// The bytes with the groups' bits, the last byte filled with zero bits: what BOLT 11 signs.
    static func paddedBytes(_ groups: [UInt8]) -> [UInt8] {
        let missing = (8 - groups.count * 5 % 8) % 8
        // One more group of zeros supplies the missing bits; a second one is needed when they are more than five.
        return Bech32.bytes(groups + (missing == 0 ? [] : missing <= 5 ? [0] : [0, 0])).prefixBytes(
            (groups.count * 5 + 7) / 8
        )
    }

    /// A big-endian number, or `nil` when it does not fit.
    static func number(_ groups: some Collection<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for group in groups {
            guard value >> 59 == 0 else { return nil }
            value = value << 5 | UInt64(group)
        }
        return value
    }

    /// The shortest groups of a number, or exactly as many as asked for.
    static func groups(of number: UInt64, count: Int? = nil) -> [UInt8] {
        var groups: [UInt8] = []
        var rest = number
        repeat {
            groups.insert(UInt8(rest & 31), at: 0)
            rest >>= 5
        } while rest > 0
        guard let count, groups.count < count else { return groups }
        return Array(repeating: 0, count: count - groups.count) + groups
    }
}

extension [UInt8] {
    fileprivate func prefixBytes(_ count: Int) -> [UInt8] { Array(prefix(count)) }
}
