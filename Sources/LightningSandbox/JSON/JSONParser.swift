// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Reads JSON (RFC 8259) and remembers where each value stood.
///
/// Nesting is limited, so that a hostile body cannot exhaust the stack. Linear in the input.
struct JSONParser {
    private static let deepest = 64

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// Parses one value; trailing white space is allowed.
    static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSONNode {
        var parser = JSONParser(bytes: bytes)
        parser.skipSpace()
        let node = try parser.value()
        parser.skipSpace()
        guard parser.position == bytes.count else { throw parser.unexpected("after top-level value") }
        return node
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func unexpected(_ place: String) -> JSONSyntaxError {
        guard let byte = current else { return JSONSyntaxError(message: "unexpected EOF") }
        let character = byte < 0x80 ? String(UnicodeScalar(byte)) : "\u{FFFD}"
        return JSONSyntaxError(message: "invalid character '\(character)' \(place)")
    }

    private mutating func value() throws(JSONSyntaxError) -> JSONNode {
        let start = position
        guard depth < Self.deepest else { throw JSONSyntaxError(message: "exceeded max depth") }
        depth += 1
        defer { depth -= 1 }
        let value: JSONNode.Value
        switch current {
        case UInt8(ascii: "{"): value = .object(try members())
        case UInt8(ascii: "["): value = .array(try elements())
        case UInt8(ascii: "\""): value = .string(try string())
        case UInt8(ascii: "t"): value = try literal("true", .bool(true))
        case UInt8(ascii: "f"): value = try literal("false", .bool(false))
        case UInt8(ascii: "n"): value = try literal("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): value = .number(try number())
        default: throw unexpected("looking for beginning of value")
        }
        return JSONNode(value: value, offset: start, end: position)
    }

    private mutating func literal(_ text: String, _ value: JSONNode.Value) throws(JSONSyntaxError) -> JSONNode.Value {
        for byte in text.utf8 {
            guard current == byte else { throw unexpected("in literal \(text)") }
            position += 1
        }
        return value
    }

    private mutating func members() throws(JSONSyntaxError) -> [JSONNode.Member] {
        var members: [JSONNode.Member] = []
        position += 1
        skipSpace()
        if current == UInt8(ascii: "}") {
            position += 1
            return members
        }
        while true {
            let nameOffset = position
            guard current == UInt8(ascii: "\"") else {
                throw unexpected("looking for beginning of object key string")
            }
            let name = try string()
            skipSpace()
            guard current == UInt8(ascii: ":") else { throw unexpected("after object key") }
            position += 1
            skipSpace()
            members.append(.init(name: name, nameOffset: nameOffset, value: try value()))
            skipSpace()
            let place = "after object key:value pair"
            guard try continues(closing: UInt8(ascii: "}"), place: place) else { return members }
        }
    }

    private mutating func elements() throws(JSONSyntaxError) -> [JSONNode] {
        var elements: [JSONNode] = []
        position += 1
        skipSpace()
        if current == UInt8(ascii: "]") {
            position += 1
            return elements
        }
        while true {
            elements.append(try value())
            skipSpace()
            guard try continues(closing: UInt8(ascii: "]"), place: "after array element") else { return elements }
        }
    }

    /// Passes a comma or the closing bracket; tells whether more follows.
    private mutating func continues(closing: UInt8, place: String) throws(JSONSyntaxError) -> Bool {
        guard let byte = current, byte == closing || byte == UInt8(ascii: ",") else { throw unexpected(place) }
        position += 1
        skipSpace()
        return byte != closing
    }

    private mutating func number() throws(JSONSyntaxError) -> String {
        let start = position
        if current == UInt8(ascii: "-") { position += 1 }
        guard let first = current, isDigit(first) else { throw unexpected("in numeric literal") }
        skipDigits()
        guard first != UInt8(ascii: "0") || position == start + (bytes[start] == first ? 1 : 2) else {
            throw JSONSyntaxError(message: "invalid character after top-level value")
        }
        if current == UInt8(ascii: ".") {
            position += 1
            try digits(place: "after decimal point in numeric literal")
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            position += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            try digits(place: "in exponent of numeric literal")
        }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private mutating func skipDigits() {
        while let byte = current, isDigit(byte) { position += 1 }
    }

    private mutating func digits(place: String) throws(JSONSyntaxError) {
        guard let byte = current, isDigit(byte) else { throw unexpected(place) }
        skipDigits()
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else {
                    throw JSONSyntaxError(message: "invalid UTF-8 in string")
                }
                return text
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20:
                position -= 1
                throw unexpected("in string literal")
            default: text.append(byte)
            }
        }
        throw JSONSyntaxError(message: "unexpected EOF")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONSyntaxError) {
        guard let byte = current else { throw unexpected("in string escape code") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            position += 1
            return text += Array(String(try scalar()).utf8)
        default: throw unexpected("in string escape code")
        }
        position += 1
    }

    /// A `\u` escape, of which two may make one scalar; a lone surrogate becomes U+FFFD.
    private mutating func scalar() throws(JSONSyntaxError) -> Unicode.Scalar {
        let replacement: Unicode.Scalar = "\u{FFFD}"
        let high = try fourHexDigits()
        guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) ?? replacement }
        let mark = position
        guard current == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "u") else {
            return replacement
        }
        position += 2
        let low = try fourHexDigits()
        guard (0xDC00..<0xE000).contains(low) else {
            position = mark
            return replacement
        }
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) ?? replacement
    }

    private mutating func fourHexDigits() throws(JSONSyntaxError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
                throw unexpected("in \\u hexadecimal character escape")
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }
}
