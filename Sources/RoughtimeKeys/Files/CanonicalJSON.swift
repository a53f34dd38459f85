// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation

/// JSON files between the processes of one server: each content has exactly one text.
///
/// A reader takes a file only when writing its content again gives the same bytes. That leaves no room for unknown or
/// repeated members, other number forms or encodings, about which two readers might disagree.
enum CanonicalJSON {
    static func encode(_ value: some Encodable) throws(RoughtimeKeyError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
        } catch {
            throw RoughtimeKeyError(.malformed, "cannot be written as JSON")
        }
    }

    /// Reads a value.
    /// - Parameter what: the file's kind, for errors.
    static func decode<Value: Codable>(
        _ type: Value.Type,
        _ bytes: [UInt8],
        limit: Int,
        what: String
    ) throws(RoughtimeKeyError) -> Value {
        guard bytes.count <= limit else {
            throw RoughtimeKeyError(.malformed, "the \(what) has more than \(limit) bytes")
        }
        guard JSONNesting.isShallow(bytes, limit: 4), let value = try? JSONDecoder().decode(type, from: Data(bytes))
        else { throw RoughtimeKeyError(.malformed, "the \(what) is not the JSON it should be") }
        guard try encode(value) == bytes else {
            throw RoughtimeKeyError(
                .malformed,
                "the \(what) is not byte for byte as this program writes it: something was added, repeated or laid out anew"
            )
        }
        return value
    }

    /// Reads so many bytes of lower-case hexadecimal text.
    static func bytes(_ text: String, _ count: Int, _ member: String) throws(RoughtimeKeyError) -> [UInt8] {
        guard let bytes = Hex.decode(text), bytes.count == count, Hex.encode(bytes) == text else {
            throw RoughtimeKeyError(.malformed, "\(member) is not \(count) bytes of lower-case hexadecimal text")
        }
        return bytes
    }
}
