// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A JSON value that was read, with where it stood.
struct JSONNode: Sendable {
    enum Value: Sendable {
        case null
        case bool(Bool)
        /// The digits as they stood, so that 64-bit numbers never pass through a floating-point number.
        case number(String)
        case string(String)
        case array([JSONNode])
        case object([Member])
    }

    struct Member: Sendable {
        let name: String
        let nameOffset: Int
        let value: JSONNode
    }

    let value: Value
    /// The offset of its first byte.
    let offset: Int
    /// The offset behind its last byte.
    let end: Int

    subscript(_ name: String) -> JSONNode? {
        guard case .object(let members) = value else { return nil }
        return members.last { $0.name == name }?.value
    }

    var string: String? {
        if case .string(let text) = value { text } else { nil }
    }

    /// A number, or a string of digits.
    var digits: String? {
        switch value {
        case .number(let text), .string(let text): text
        case .null, .bool, .array, .object: nil
        }
    }

    var elements: [JSONNode]? {
        if case .array(let elements) = value { elements } else { nil }
    }

    var bool: Bool? {
        if case .bool(let value) = value { value } else { nil }
    }
}

/// A sentence about malformed JSON, worded as Go's `encoding/json` does.
struct JSONSyntaxError: Error, Hashable {
    let message: String
}
