// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A JSON value to be written, with its keys in the order given.
///
/// The protobuf JSON mapping of LND decides between the cases: 64-bit integers go out as ``text(_:)`` of decimal digits,
/// bytes as padded base64 in the standard alphabet.
enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([Field])
    /// JSON that is written already.
    case raw([UInt8])

    struct Field: Sendable, Hashable {
        let name: String
        let value: JSON
    }

    /// A 64-bit integer, which the mapping writes as a string of digits.
    static func text(_ number: some FixedWidthInteger) -> JSON { .string(String(number)) }

    /// The value as UTF-8.
    var utf8: [UInt8] {
        var out: [UInt8] = []
        write(to: &out)
        return out
    }

    private func write(to out: inout [UInt8]) {
        switch self {
        case .null: out += Array("null".utf8)
        case .bool(let value): out += Array((value ? "true" : "false").utf8)
        case .integer(let value): out += Array(String(value).utf8)
        case .double(let value): Self.write(value, to: &out)
        case .string(let value): Self.write(value, to: &out)
        case .array(let values): Self.write(values, to: &out)
        case .object(let fields): Self.write(fields, to: &out)
        case .raw(let bytes): out += bytes
        }
    }

    private static func write(_ values: [JSON], to out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            value.write(to: &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    private static func write(_ fields: [Field], to out: inout [UInt8]) {
        out.append(UInt8(ascii: "{"))
        for (index, field) in fields.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            write(field.name, to: &out)
            out.append(UInt8(ascii: ":"))
            field.value.write(to: &out)
        }
        out.append(UInt8(ascii: "}"))
    }

    /// A whole number goes out without a fraction, as Go writes it.
    private static func write(_ value: Double, to out: inout [UInt8]) {
        if let whole = Int(exactly: value) {
            out += Array(String(whole).utf8)
        } else {
            out += Array((value.isFinite ? value.description : "0").utf8)
        }
    }

    private static func write(_ text: String, to out: inout [UInt8]) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): out += Array("\\\"".utf8)
            case UInt8(ascii: "\\"): out += Array("\\\\".utf8)
            case UInt8(ascii: "\n"): out += Array("\\n".utf8)
            case UInt8(ascii: "\r"): out += Array("\\r".utf8)
            case UInt8(ascii: "\t"): out += Array("\\t".utf8)
            case 0..<0x20:
                let digits = Array("0123456789abcdef".utf8)
                out += Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(integerLiteral value: Int) { self = .integer(value) }
    init(arrayLiteral elements: JSON...) { self = .array(elements) }

    init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(elements.map { Field(name: $0.0, value: $0.1) })
    }
}
