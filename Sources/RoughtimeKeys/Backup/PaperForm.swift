// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto

/// A seed as text for paper: 14 groups of five characters, each of which finds its own typing errors.
///
/// Thirteen groups carry 20 bits of the seed each (the last four bits are zero), the fourteenth the first 20 bits of
/// SHA-256("assay-roughtime-paper-1" || seed). A group is four characters of Crockford's base32 and a check character
/// over GF(32): the sum of 2^j times the j-th character, plus the group's place. So every wrong character, every two
/// exchanged neighbours and every group in the wrong place is found, and the group named.
public enum PaperForm {
    /// What the reader found wrong.
    public struct Problem: Error, Hashable, CustomStringConvertible {
        /// The group, counted from 1; `nil` when no single group is wrong.
        public let group: Int?
        public let description: String

        init(group: Int? = nil, _ description: String) {
            self.group = group
            self.description =
                group.map { "group \($0) (line \(($0 - 1) / groupsPerLine + 1)): \(description)" } ?? description
        }
    }

    static let groupCount = 14
    static let groupsPerLine = 5
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)
    /// More than a form with any spacing has; what is longer is another file.
    static let greatestText = 2048

    /// Writes a seed in three lines of groups.
    public static func text(of seed: borrowing LongTermSeed) -> String {
        var groups: [String] = []
        seed.withBytes { bytes in
            for index in 0..<groupCount - 1 { groups.append(group(value(bytes, index), at: index)) }
            groups.append(group(digest(bytes), at: groupCount - 1))
        }
        return stride(from: 0, to: groupCount, by: groupsPerLine)
            .map { groups[$0..<min($0 + groupsPerLine, groupCount)].joined(separator: " ") }
            .joined(separator: "\n")
    }

    /// Reads what somebody typed: in either case, with any spaces, line ends and hyphens; O is 0, I and L are 1.
    /// - Throws: ``Problem`` that names the first group that is wrong.
    public static func seed(parsing text: String) throws(Problem) -> LongTermSeed {
        guard text.utf8.count <= greatestText else { throw Problem("this is too long to be a paper form") }
        let groups = try groups(of: text)
        do {
            let seed = try LongTermSeed { (bytes) throws(RoughtimeKeyError) in
                for index in 0..<groupCount - 1 { store(groups[index], at: index, in: bytes) }
            }
            let isWhole = seed.withBytes { digest($0) == groups[groupCount - 1] }
            guard isWhole, groups[groupCount - 2] & 0xF == 0 else {
                throw Problem("every group is well formed, but they do not belong together: the groups of one form?")
            }
            return seed
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem("\(error)")
        }
    }

    /// The 20 bits of each group.
    private static func groups(of text: String) throws(Problem) -> [UInt32] {
        let parts = text.utf8.split { " \t\r\n-".utf8.contains($0) }.map(Array.init)
        // Typed without spaces, the groups are told apart by counting.
        let isSpaced = parts.count > 1
        let typed =
            isSpaced
            ? parts
            : stride(from: 0, to: parts.first?.count ?? 0, by: 5).map { start in
                Array(parts[0][start..<min(start + 5, parts[0].count)])
            }
        var values: [UInt32] = []
        for (index, characters) in typed.prefix(groupCount).enumerated() {
            values.append(try value(of: characters, at: index))
        }
        guard typed.count == groupCount else {
            throw Problem("there are \(typed.count) groups; a paper form has \(groupCount) of five characters")
        }
        return values
    }

    private static func value(of characters: [UInt8], at index: Int) throws(Problem) -> UInt32 {
        guard characters.count == 5 else {
            throw Problem(group: index + 1, "it has \(characters.count) characters instead of five")
        }
        var digits: [UInt8] = []
        for character in characters {
            guard let digit = digit(character) else {
                throw Problem(group: index + 1, "it has a character that no paper form has")
            }
            digits.append(digit)
        }
        guard check(digits.prefix(4), at: index) == digits[4] else {
            throw Problem(group: index + 1, "a character is wrong, or the group is in the wrong place")
        }
        return digits.prefix(4).reduce(0) { $0 << 5 | UInt32($1) }
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        let upper = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(character) ? character & 0xDF : character
        switch upper {
        case UInt8(ascii: "O"): return 0
        case UInt8(ascii: "I"), UInt8(ascii: "L"): return 1
        default: return alphabet.firstIndex(of: upper).map { UInt8($0) }
        }
    }

    private static func group(_ value: UInt32, at index: Int) -> String {
        let digits = stride(from: 15, through: 0, by: -5).map { UInt8(value >> UInt32($0) & 31) }
        let all = digits + [check(digits[...], at: index)]
        return String(decoding: all.map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// The check character: the weights 2, 4, 8, 16 and 1 are all different, so no one error and no exchange cancels.
    private static func check(_ digits: ArraySlice<UInt8>, at index: Int) -> UInt8 {
        var weight: UInt8 = 1
        return digits.reduce(UInt8(index)) { sum, digit in
            weight = product(weight, 2)
            return sum ^ product(weight, digit)
        }
    }

    /// A product in GF(32) with the polynomial x^5 + x^2 + 1.
    private static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        var (result, left, right) = (UInt8(0), left, right)
        while right > 0 {
            if right & 1 == 1 { result ^= left }
            left <<= 1
            if left & 32 != 0 { left ^= 0b100101 }
            right >>= 1
        }
        return result
    }

    /// Twenty bits of the seed, most significant first; beyond its end they are zero.
    private static func value(_ seed: UnsafeRawBufferPointer, _ index: Int) -> UInt32 {
        (index * 20..<index * 20 + 20).reduce(0) { value, bit in
            let isOne = bit / 8 < seed.count && seed[bit / 8] >> UInt8(7 - bit % 8) & 1 == 1
            return value << 1 | (isOne ? 1 : 0)
        }
    }

    private static func store(_ value: UInt32, at index: Int, in seed: UnsafeMutableRawBufferPointer) {
        for offset in 0..<20 {
            let bit = index * 20 + offset
            guard bit / 8 < seed.count else { return }
            if value >> UInt32(19 - offset) & 1 == 1 { seed[bit / 8] |= 1 << UInt8(7 - bit % 8) }
        }
    }

    private static func digest(_ seed: UnsafeRawBufferPointer) -> UInt32 {
        var hash = SHA256()
        hash.update(data: Array("assay-roughtime-paper-1".utf8))
        hash.update(bufferPointer: seed)
        return hash.finalize().prefix(3).reduce(UInt32(0)) { $0 << 8 | UInt32($1) } >> 4
    }
}
