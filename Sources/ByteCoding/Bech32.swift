// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Bech32 (BIP 173) and Bech32m (BIP 350) without their limit of 90 characters, as BOLT 11 and NIP-19 use the former.
public enum Bech32 {
    /// Which of the two a text is: they differ in a constant of the checksum.
    public enum Form: UInt32, Sendable {
        case bech32 = 1
        case bech32m = 0x2BC8_30A3
    }

    private static let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)

    private static let values: [UInt8?] = {
        var values = [UInt8?](repeating: nil, count: 128)
        for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        return values
    }()

    /// Splits a text into its human-readable part, in lower case, and its 5-bit groups without the checksum.
    public static func decode(
        _ text: String,
        form: Form = .bech32
    ) throws(Bech32Error) -> (hrp: [UInt8], groups: [UInt8]) {
        var bytes = Array(text.utf8)
        let hasLower = bytes.contains { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) }
        let hasUpper = bytes.contains { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        guard !(hasLower && hasUpper) else { throw .mixedCase }
        if hasUpper {
            bytes = bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 + 32 : $0 }
        }
        guard bytes.allSatisfy({ (33...126).contains($0) }) else { throw .badCharacter }
        guard let separator = bytes.lastIndex(of: UInt8(ascii: "1")), separator > 0 else {
            throw .noSeparator
        }
        var groups: [UInt8] = []
        groups.reserveCapacity(bytes.count)
        for character in bytes[(separator + 1)...] {
            guard let value = values[Int(character)] else { throw .badCharacter }
            groups.append(value)
        }
        guard groups.count >= 6 else { throw .tooShort }
        let hrp = Array(bytes[..<separator])
        guard polymod(expanded(hrp) + groups) == form.rawValue else { throw .badChecksum }
        return (hrp, groups.dropLast(6))
    }

    /// Writes a text in lower case.
    public static func encode(hrp: [UInt8], groups: [UInt8], form: Form = .bech32) -> String {
        let remainder = polymod(expanded(hrp) + groups + [0, 0, 0, 0, 0, 0]) ^ form.rawValue
        let checksum = (0..<6).map { UInt8(remainder >> UInt32(5 * (5 - $0)) & 31) }
        return String(
            decoding: hrp + [UInt8(ascii: "1")] + (groups + checksum).map { alphabet[Int($0)] },
            as: UTF8.self
        )
    }

    private static func expanded(_ hrp: [UInt8]) -> [UInt8] { hrp.map { $0 >> 5 } + [0] + hrp.map { $0 & 31 } }

    private static func polymod(_ values: [UInt8]) -> UInt32 {
        let generator: [UInt32] = [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3]
        var checksum: UInt32 = 1
        for value in values {
            let top = checksum >> 25
            checksum = (checksum & 0x1FF_FFFF) << 5 ^ UInt32(value)
            for (bit, word) in generator.enumerated() where top >> UInt32(bit) & 1 == 1 { checksum ^= word }
        }
        return checksum
    }

    /// The whole bytes in the groups; bits that do not fill a byte are dropped.
    public static func bytes(_ groups: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(groups.count * 5 / 8)
        var accumulator: UInt32 = 0
        var bits = 0
        for group in groups {
            accumulator = accumulator << 5 | UInt32(group)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
            }
        }
        return bytes
    }

    /// The groups of bytes; the last is filled with zero bits.
    public static func groups(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var groups: [UInt8] = []
        groups.reserveCapacity((bytes.count * 8 + 4) / 5)
        var accumulator: UInt32 = 0
        var bits = 0
        for byte in bytes {
            accumulator = accumulator << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                groups.append(UInt8(accumulator >> UInt32(bits) & 31))
            }
        }
        if bits > 0 { groups.append(UInt8(accumulator << UInt32(5 - bits) & 31)) }
        return groups
    }
}

/// Why a text is not bech32.
public enum Bech32Error: Error, Sendable, Hashable, CustomStringConvertible {
    case mixedCase, badCharacter, noSeparator, tooShort, badChecksum

    public var description: String {
        switch self {
        case .mixedCase: "upper and lower case letters"
        case .badCharacter: "not a bech32 character"
        case .noSeparator: "no '1' after a human-readable part"
        case .tooShort: "no room for a checksum"
        case .badChecksum: "a character is wrong"
        }
    }
}
