// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// The one text of a JSON value (RFC 8785), so that both ends hash and authenticate the same bytes.
public enum CanonicalJSON {
    /// Reads JSON text in UTF-8, or returns `nil` when it is not JSON.
    ///
    /// Foundation keeps one of several members whose names are equal or canonically equivalent.
    public static func read(_ bytes: [UInt8]) -> JSONValue? { decode(JSONValue.self, from: bytes) }

    /// Writes a value: no white space, members sorted by the UTF-16 code units of their names.
    ///
    /// - Precondition: every number is finite; JSON text cannot hold others.
    public static func text(_ value: JSONValue) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .number(let value): return number(value)
        case .string(let value): return string(value)
        case .array(let elements): return "[" + elements.map(text).joined(separator: ",") + "]"
        case .object(let members):
            let sorted = members.sorted { $0.key.utf16.lexicographicallyPrecedes($1.key.utf16) }
            return "{" + sorted.map { "\(string($0.key)):\(text($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// Decodes a type from JSON text in UTF-8, or returns `nil`.
    static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) -> Value? {
        // Foundation would also guess UTF-16 and UTF-32 from zero bytes, which UTF-8 JSON never has.
        guard !bytes.contains(0), String(validating: bytes, as: UTF8.self) != nil else { return nil }
        return try? JSONDecoder().decode(type, from: Data(bytes))
    }

    /// Escapes what RFC 8785 section 3.2.2.2 wants escaped, and nothing else.
    private static func string(_ text: String) -> String {
        // Most texts need no escape and can be taken as they are.
        let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
        guard !isPlain else { return "\"\(text)\"" }
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\u{8}": out += "\\b"
            case "\t": out += "\\t"
            case "\n": out += "\\n"
            case "\u{C}": out += "\\f"
            case "\r": out += "\\r"
            case "\0"..<" ":
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    /// Writes a number as ECMAScript does (ECMA-262, Number::toString; RFC 8785 section 3.2.2.3).
    private static func number(_ value: Double) -> String {
        precondition(value.isFinite, "JSON has no text for \(value)")
        guard value != 0 else { return "0" }
        let (digits, point) = shortestDigits(value.magnitude)
        let sign = value < 0 ? "-" : ""
        let count = digits.count
        switch point {
        case count...21 where count <= 21: return sign + digits + String(repeating: "0", count: point - count)
        case 1...21: return sign + digits.prefix(point) + "." + digits.dropFirst(point)
        case -5...0: return sign + "0." + String(repeating: "0", count: -point) + digits
        default:
            let exponent = point - 1
            let fraction = count > 1 ? "." + digits.dropFirst() : ""
            return sign + digits.prefix(1) + fraction + (exponent < 0 ? "e-" : "e+") + String(exponent.magnitude)
        }
    }

    /// The shortest decimal digits that read back as the same number, and where the point stands: 0.DIGITS x 10^point.
    ///
    /// Swift's description has these digits (SE-0173 requires the shortest that round-trip), in another notation.
    private static func shortestDigits(_ value: Double) -> (digits: String, point: Int) {
        let parts = value.description.split(separator: "e")
        let mantissa = parts[0].split(separator: ".")
        let whole = mantissa[0]
        let fraction = mantissa.count > 1 && mantissa[1] != "0" ? mantissa[1] : ""
        let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let all = String(whole + fraction)
        let leadingZeros = all.prefix { $0 == "0" }.count
        var digits = all.dropFirst(leadingZeros)
        while digits.last == "0" { digits.removeLast() }
        return (String(digits), whole.count - leadingZeros + exponent)
    }
}
