// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The shape of an answer, as OpenAPI 3.1 describes it (JSON Schema 2020-12).
public indirect enum AnswerSchema: Sendable {
    case string
    /// A string that is one of these.
    case oneOf([String])
    case integer
    case number
    case boolean
    case null
    case array(AnswerSchema)
    /// An object whose members have names that are not known beforehand.
    case map(AnswerSchema)
    /// An object; members that may be missing are named in `optional`.
    case object([String: AnswerSchema], optional: Set<String> = [])
    /// Another one, by its name in the document's `components`.
    case named(String)
    case nullable(AnswerSchema)

    /// An object with members of the other one as well.
    func adding(_ members: [String: AnswerSchema]) -> AnswerSchema {
        guard case .object(let own, let optional) = self else { return self }
        return .object(own.merging(members) { $1 }, optional: optional)
    }
}

extension AnswerSchema: Encodable {
    private enum Keys: String, CodingKey {
        case type, items, properties, required, additionalProperties, anyOf
        case values = "enum"
        case reference = "$ref"
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        switch self {
        case .string: try container.encode("string", forKey: .type)
        case .oneOf(let values):
            try container.encode("string", forKey: .type)
            try container.encode(values, forKey: .values)
        case .integer: try container.encode("integer", forKey: .type)
        case .number: try container.encode("number", forKey: .type)
        case .boolean: try container.encode("boolean", forKey: .type)
        case .null: try container.encode("null", forKey: .type)
        case .array(let element):
            try container.encode("array", forKey: .type)
            try container.encode(element, forKey: .items)
        case .map(let value):
            try container.encode("object", forKey: .type)
            try container.encode(value, forKey: .additionalProperties)
        case .object(let members, let optional):
            try container.encode("object", forKey: .type)
            try container.encode(members, forKey: .properties)
            try container.encode(members.keys.filter { !optional.contains($0) }.sorted(), forKey: .required)
        case .named(let name): try container.encode("#/components/schemas/\(name)", forKey: .reference)
        case .nullable(let schema): try container.encode([schema, .null], forKey: .anyOf)
        }
    }
}
