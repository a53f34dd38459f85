// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Converts between bytes and base64 text (RFC 4648 sections 4 and 5), strictly.
///
/// Strict means one text for one value: wrong padding, unused bits that are not zero, white space and characters
/// outside the alphabet are refused. A credential that has two spellings would break replay bookkeeping.
public enum Base64 {
    /// The two alphabets of RFC 4648.
    public enum Alphabet: Sendable {
        /// `+` and `/` (section 4).
        case standard
        /// `-` and `_` (section 5).
        case urlSafe
    }

    /// How a decoder treats `=` at the end.
    public enum Padding: Sendable {
        /// The text must be padded to a multiple of four characters.
        case required
        /// The text must not be padded.
        case forbidden
        /// Either form, but padding that is there must be complete.
        case optional
    }

    /// Encodes bytes as base64 text.
    public static func encode(
        _ bytes: some Collection<UInt8>,
        alphabet: Alphabet = .standard,
        padded: Bool = true
    ) -> String {
        bytes.withBytes { encode($0, table: alphabet == .standard ? standardTable : urlSafeTable, padded: padded) }
    }

    private static func encode(_ bytes: UnsafeBufferPointer<UInt8>, table: StaticString, padded: Bool) -> String {
        String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { buffer in
            var written = 0
            var accumulator: UInt32 = 0
            var bits = 0
            for byte in bytes {
                accumulator = accumulator << 8 | UInt32(byte)
                bits += 8
                while bits >= 6 {
                    bits -= 6
                    buffer[written] = table.utf8Start[Int(accumulator >> UInt32(bits) & 0x3F)]
                    written += 1
                }
            }
            if bits > 0 {
                buffer[written] = table.utf8Start[Int(accumulator << UInt32(6 - bits) & 0x3F)]
                written += 1
            }
            while padded, !written.isMultiple(of: 4) {
                buffer[written] = UInt8(ascii: "=")
                written += 1
            }
            return written
        }
    }

    /// Decodes base64 text of one alphabet.
    ///
    /// - Returns: the bytes, or `nil` when the text is not the canonical encoding of any bytes.
    public static func decode(
        _ text: some StringProtocol,
        alphabet: Alphabet = .standard,
        padding: Padding = .required
    ) -> [UInt8]? {
        text.utf8.withBytes { decode($0, alphabet: alphabet, padding: padding) }
    }

    private static func decode(
        _ text: UnsafeBufferPointer<UInt8>,
        alphabet: Alphabet,
        padding: Padding
    ) -> [UInt8]? {
        var characters = text[...]
        while characters.last == UInt8(ascii: "=") { characters.removeLast() }
        let padCount = text.count - characters.count
        switch padding {
        case .required: guard text.count.isMultiple(of: 4) else { return nil }
        case .forbidden: guard padCount == 0 else { return nil }
        case .optional: guard padCount == 0 || text.count.isMultiple(of: 4) else { return nil }
        }
        // A last group of one character cannot hold a byte; padding fills a group, never a whole one.
        guard characters.count % 4 != 1, padCount == 0 || padCount == (4 - characters.count % 4) % 4 else { return nil }
        return decodeUnpadded(characters, alphabet: alphabet)
    }

    /// Decodes base64 text of either alphabet, padded or not, but never a mixture of the alphabets.
    ///
    /// This is the tolerance L402 asks for: clients send both alphabets, with and without padding.
    public static func decodeEither(_ text: some StringProtocol) -> [UInt8]? {
        text.utf8.withBytes { text in
            let isURLSafe = text.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
            return decode(text, alphabet: isURLSafe ? .urlSafe : .standard, padding: .optional)
        }
    }

    private static func decodeUnpadded(_ characters: Slice<UnsafeBufferPointer<UInt8>>, alphabet: Alphabet) -> [UInt8]?
    {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var accumulator: UInt32 = 0
        var bits = 0
        for character in characters {
            guard let value = sextet(character, alphabet: alphabet) else { return nil }
            accumulator = accumulator << 6 | value
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bits)))
            }
        }
        let unused = accumulator & ((1 << UInt32(bits)) - 1)
        return unused == 0 ? bytes : nil
    }

    private static func sextet(_ character: UInt8, alphabet: Alphabet) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+") where alphabet == .standard: 62
        case UInt8(ascii: "/") where alphabet == .standard: 63
        case UInt8(ascii: "-") where alphabet == .urlSafe: 62
        case UInt8(ascii: "_") where alphabet == .urlSafe: 63
        default: nil
        }
    }

    private static let standardTable: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let urlSafeTable: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
}
