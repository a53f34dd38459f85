// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials

/// A request body, read by the protobuf JSON mapping.
///
/// Names come in snake_case or lowerCamelCase, 64-bit integers as strings or numbers, bytes in either base64 alphabet.
/// An unknown name or a wrong type is an error that tells where it stands, as in Go's `protojson`.
struct Message: Sendable {
    private let values: [String: JSONNode]
    /// The names as the body has them.
    private let spelling: [String: String]
    private let text: JSONText

    /// Brackets and braces a body may open; nesting is bounded by it.
    private static let mostOpenings = 256

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - body: the bytes; none at all is an empty message.
    ///   - fields: the names the message has.
    init(_ body: [UInt8], fields: Set<String>) throws(RPCError) {
        let text = JSONText(body)
        self.text = text
        var values: [String: JSONNode] = [:]
        var spelling: [String: String] = [:]
        let camelCase = Dictionary(fields.map { (Self.lowerCamelCase($0), $0) }) { first, _ in first }
        for (written, value) in try Self.members(body, text).sorted(by: { $0.key < $1.key }) {
            guard let name = fields.contains(written) ? written : camelCase[written] else {
                throw Self.error("unknown field \"\(written)\"", at: text.place(ofName: written))
            }
            guard values[name] == nil else {
                throw Self.error("duplicate field \"\(written)\"", at: text.place(ofName: written))
            }
            if case .null = value { continue }
            values[name] = value
            spelling[name] = written
        }
        self.values = values
        self.spelling = spelling
    }

    private static func members(_ body: [UInt8], _ text: JSONText) throws(RPCError) -> [String: JSONNode] {
        guard body.contains(where: { $0 > 0x20 }) else { return [:] }
        let opened = body.count { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "{") }
        guard opened <= mostOpenings, let node = try? JSONDecoder().decode(JSONNode.self, from: Data(body)) else {
            throw RPCError(text.syntaxError, code: .invalidArgument)
        }
        guard case .object(let members) = node else {
            throw RPCError("proto: syntax error (line 1:1): unexpected token \(node.source)", code: .invalidArgument)
        }
        return members
    }

    subscript(_ name: String) -> JSONNode? { values[name] }

    func string(_ name: String) throws(RPCError) -> String {
        guard let node = values[name] else { return "" }
        guard let text = node.string else { throw invalid(name, node, "string") }
        return text
    }

    func bool(_ name: String) throws(RPCError) -> Bool {
        guard let node = values[name] else { return false }
        guard let value = node.bool else { throw invalid(name, node, "bool") }
        return value
    }

    /// An integer; `type` is the name protobuf has for it, such as `int64`.
    func integer<Number: FixedWidthInteger>(_ name: String, _ type: String) throws(RPCError) -> Number {
        guard let node = values[name] else { return 0 }
        guard let digits = node.digits, Self.isInteger(digits), let number = Number(digits) else {
            throw invalid(name, node, type)
        }
        return number
    }

    /// Whether a text is an integer as JSON writes it: no plus sign, no leading zero.
    private static func isInteger(_ text: String) -> Bool {
        let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
        return digits.allSatisfy { (0x30...0x39).contains($0) } && (digits.count == 1 || digits.first != 0x30)
    }

    /// Bytes; `nil` when absent or empty, which protobuf does not tell apart.
    func bytes(_ name: String) throws(RPCError) -> [UInt8]? {
        guard let node = values[name] else { return nil }
        guard let text = node.string, let bytes = Base64.decodeEither(text) else { throw invalid(name, node, "bytes") }
        return bytes.isEmpty ? nil : bytes
    }

    func elements(_ name: String) throws(RPCError) -> [JSONNode] {
        guard let node = values[name] else { return [] }
        guard let elements = node.elements else { throw error("unexpected token \(node.source)", name) }
        return elements
    }

    private func invalid(_ name: String, _ node: JSONNode, _ type: String) -> RPCError {
        error("invalid value for \(type) type: \(node.source)", name)
    }

    private func error(_ sentence: String, _ name: String) -> RPCError {
        Self.error(sentence, at: text.place(ofValueOf: spelling[name] ?? name))
    }

    private static func error(_ sentence: String, at place: String) -> RPCError {
        RPCError("proto: (line \(place)): \(sentence)", code: .invalidArgument)
    }

    private static func lowerCamelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        return String(words.first ?? "") + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
