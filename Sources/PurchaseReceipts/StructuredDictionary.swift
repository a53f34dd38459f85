// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// The part of RFC 8941's dictionaries that receipts use: integers, strings and byte sequences, without parameters.
///
/// Stricter than the RFC in one thing: a member that stands twice is an error, because two readers that pick different
/// ones would disagree about what was signed.
struct StructuredDictionary {
    private enum Item {
        case integer(Int64)
        case text(String)
        case bytes([UInt8])
    }

    private var members: [String: Item] = [:]

    func integer(_ name: String) -> Int64? {
        guard case .integer(let value) = members[name] else { return nil }
        return value
    }

    func text(_ name: String) -> String? {
        guard case .text(let value) = members[name] else { return nil }
        return value
    }

    func bytes(_ name: String) -> [UInt8]? {
        guard case .bytes(let value) = members[name] else { return nil }
        return value
    }

    /// Reads a dictionary.
    init(_ text: String) throws(UnreadableReceipt) {
        var scanner = Scanner(bytes: Array(text.utf8))
        repeat {
            scanner.skip(" \t")
            let name = scanner.take { $0 == UInt8(ascii: "_") || Scanner.isLetter($0) || Scanner.isDigit($0) }
            guard !name.isEmpty, scanner.take("=") else { throw scanner.unexpected("a member 'name=value'") }
            let item = try Self.item(&scanner)
            guard members.updateValue(item, forKey: name) == nil else {
                throw UnreadableReceipt("the member \(name) stands twice")
            }
            scanner.skip(" \t")
        } while scanner.take(",")
        guard scanner.isAtEnd else { throw scanner.unexpected("a comma") }
    }

    private static func item(_ scanner: inout Scanner) throws(UnreadableReceipt) -> Item {
        if scanner.take(":") {
            let text = scanner.take { $0 != UInt8(ascii: ":") }
            guard scanner.take(":"), let bytes = Base64.decode(text) else {
                throw scanner.unexpected("base64 between colons")
            }
            return .bytes(bytes)
        }
        if scanner.take("\"") {
            // A backslash would begin an escape, which no member of ours needs.
            let text = scanner.take {
                (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
            }
            guard scanner.take("\"") else { throw scanner.unexpected("a closing quotation mark") }
            return .text(text)
        }
        let sign: Int64 = scanner.take("-") ? -1 : 1
        let digits = scanner.take(while: Scanner.isDigit)
        guard (1...15).contains(digits.utf8.count), let value = Int64(digits) else {
            throw scanner.unexpected("a number, a string or bytes")
        }
        return .integer(sign * value)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { position == bytes.count }

        static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

        static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

        mutating func take(while isTaken: (UInt8) -> Bool) -> String {
            let start = position
            while position < bytes.count, isTaken(bytes[position]) { position += 1 }
            return String(decoding: bytes[start..<position], as: UTF8.self)
        }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func skip(_ characters: String) { _ = take { characters.utf8.contains($0) } }

        func unexpected(_ expected: String) -> UnreadableReceipt {
            UnreadableReceipt("expected \(expected) at byte \(position)")
        }
    }
}
