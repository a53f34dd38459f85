// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NIOFoundationCompat
internal import Oracle

extension APIRequest {
    /// A whole number of the query.
    /// - Throws: ``APIError`` naming the field and the range.
    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws(APIError) -> Int {
        guard let text = query[name] else { return standard }
        guard let value = Int(text), range.contains(value) else {
            throw APIError(
                .validationError,
                "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)",
                details: ["field": name]
            )
        }
        return value
    }

    /// The page asked for: limit 1 to 100, offset from 0.
    func page() throws(APIError) -> (limit: Int, offset: Int) {
        (try integer("limit", in: 1...100, default: 20), try integer("offset", in: 0...1_000_000, default: 0))
    }

    /// The node named in the path.
    func node() throws(APIError) -> NodeIdentifier {
        let text = parameter("ident")
        guard let identifier = NodeIdentifier(text) else {
            throw APIError(
                .validationError,
                "ident must be a public key of 66 or a hash of 64 hex digits, got \(text.count) characters",
                details: ["field": "ident"]
            )
        }
        return identifier
    }

    /// The body as JSON.
    /// - Throws: ``APIError``: malformed when it is not JSON, a validation error when it has another form.
    func decoded<Body: Decodable>(_ type: Body.Type) throws(APIError) -> Body {
        let data = Data(buffer: body)
        do {
            return try JSONDecoder().decode(Body.self, from: data)
        } catch DecodingError.dataCorrupted {
            throw APIError(.malformedRequest, "The body is not valid JSON.")
        } catch DecodingError.keyNotFound(let key, _) {
            throw APIError(.validationError, "\(key.stringValue) is required", details: ["field": key.stringValue])
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let field = context.codingPath.first?.stringValue ?? "body"
            throw APIError(.validationError, "\(field) has the wrong type", details: ["field": field])
        } catch {
            throw APIError(.malformedRequest, "The body cannot be read.")
        }
    }
}
