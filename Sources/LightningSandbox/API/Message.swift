// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding

/// A request body, read by the protobuf JSON mapping.
///
/// Names come in snake_case or lowerCamelCase, 64-bit integers as strings or numbers, bytes in either base64 alphabet.
/// An unknown name or a wrong type is an error that tells where it stands, as in Go's `protojson`.
struct Message: Sendable {
    private let values: [String: JSONNode]
    private let text: String

    /// Reads a body.
    ///
    /// - Parameters:
    ///   - body: the bytes; none at all is an empty message.
    ///   - fields: the names the message has.
    init(_ body: [UInt8], fields: Set<String>) throws(RPCError) {
        let text = String(decoding: body, as: UTF8.self)
        self.text = text
        guard body.contains(where: { $0 > 0x20 }) else {
            values = [:]
            return
        }
        let node: JSONNode
        do {
            node = try JSONParser.parse(body)
        } catch {
            throw RPCError(error.message, code: .invalidArgument)
        }
        guard case .object(let members) = node.value else {
            let sentence = "unexpected token \(Self.source(node, in: text))"
            throw Self.error(sentence, at: node.offset, in: text, isSyntax: true)
        }
        values = try Self.values(members, fields: fields, in: text)
    }

    private static func values(
        _ members: [JSONNode.Member],
        fields: Set<String>,
        in text: String
    ) throws(RPCError) -> [String: JSONNode] {
        let camelCase = Dictionary(fields.map { (lowerCamelCase($0), $0) }) { first, _ in first }
        var values: [String: JSONNode] = [:]
        for member in members {
            guard let name = fields.contains(member.name) ? member.name : camelCase[member.name] else {
                throw error("unknown field \"\(member.name)\"", at: member.nameOffset, in: text)
            }
            guard values[name] == nil else {
                throw error("duplicate field \"\(member.name)\"", at: member.nameOffset, in: text)
            }
            if case .null = member.value.value { continue }
            values[name] = member.value
        }
        return values
    }

    subscript(_ name: String) -> JSONNode? { values[name] }

    func string(_ name: String) throws(RPCError) -> String {
        guard let node = values[name] else { return "" }
        guard let text = node.string else { throw invalid(node, "string") }
        return text
    }

    func bool(_ name: String) throws(RPCError) -> Bool {
        guard let node = values[name] else { return false }
        guard let value = node.bool else { throw invalid(node, "bool") }
        return value
    }

    /// An integer; `type` is the name protobuf has for it, such as `int64`.
    func integer<Number: FixedWidthInteger>(_ name: String, _ type: String) throws(RPCError) -> Number {
        guard let node = values[name] else { return 0 }
        guard let digits = node.digits, Self.isInteger(digits), let number = Number(digits) else {
            throw invalid(node, type)
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
        guard let text = node.string, let bytes = Base64.decodeEither(text) else { throw invalid(node, "bytes") }
        return bytes.isEmpty ? nil : bytes
    }

    func elements(_ name: String) throws(RPCError) -> [JSONNode] {
        guard let node = values[name] else { return [] }
        guard let elements = node.elements else { throw error("unexpected token \(Self.source(node, in: text))", node) }
        return elements
    }

    private func invalid(_ node: JSONNode, _ type: String) -> RPCError {
        error("invalid value for \(type) type: \(Self.source(node, in: text))", node)
    }

    private func error(_ sentence: String, _ node: JSONNode) -> RPCError {
        Self.error(sentence, at: node.offset, in: text)
    }

    private static func error(_ sentence: String, at offset: Int, in text: String, isSyntax: Bool = false) -> RPCError {
        let before = text.utf8.prefix(offset)
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { text.utf8.index(after: $0) } ?? text.utf8.startIndex
        let column = text.utf8.distance(from: lineStart, to: before.endIndex) + 1
        let kind = isSyntax ? "syntax error " : ""
        return RPCError("proto: \(kind)(line \(line):\(column)): \(sentence)", code: .invalidArgument)
    }

    /// The value as it stood.
    private static func source(_ node: JSONNode, in text: String) -> String {
        String(decoding: text.utf8.prefix(node.end).dropFirst(node.offset), as: UTF8.self)
    }

    private static func lowerCamelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        return String(words.first ?? "") + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
