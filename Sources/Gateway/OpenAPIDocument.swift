// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
internal import LightningPrimitives

/// The OpenAPI 3.1 description, made from the route table so that it cannot drift from it.
enum OpenAPIDocument {
    private struct Document: Encodable {
        let openapi = "3.1.0"
        let info: Info
        let paths: [String: [String: Operation]]
        let components = Components()
    }
    private struct Info: Encodable {
        let title = "Assay"
        let version: String
        let description =
            "A Lightning trust oracle. Paid operations answer 402 with an L402 challenge; see x-l402 for prices."
        let license = ["name": "Apache-2.0", "identifier": "Apache-2.0"]
    }
    private struct Components: Encodable {
        struct Scheme: Encodable {
            var type = "http"
            var scheme: String? = "L402"
            var name: String?
            var `in`: String?
            var description = "L402 token and preimage: Authorization: L402 <token>:<preimage as 64 hex digits>"

            static let apiKey = Scheme(
                type: "apiKey",
                scheme: nil,
                name: "X-API-Key",
                in: "header",
                description: "The key of an operator, with the scope that the route needs"
            )
        }
        let schemas = AnswerSchema.shared
        let securitySchemes = ["l402": Scheme(), "apiKey": Scheme.apiKey]
    }
    private struct Operation: Encodable {
        let operationId: String
        let summary: String
        let parameters: [Parameter]
        let requestBody: Body?
        let responses: [String: Answer]
        let security: [[String: [String]]]?
        let price: Price?

        enum CodingKeys: String, CodingKey {
            case operationId, summary, parameters, requestBody, responses, security
            case price = "x-l402"
        }
    }
    private struct Parameter: Encodable {
        struct Schema: Encodable { let type: String }
        let name: String
        let `in`: String
        let required: Bool
        let description: String
        let schema: Schema
    }
    private struct Body: Encodable {
        struct Media: Encodable {
            struct Schema: Encodable {
                var type = "object"
                var format: String?
            }
            var schema = Schema()
            var examples: [String: Example]?
        }
        struct Example: Encodable { let summary: String }
        let required = true
        let description: String
        let content: [String: Media]
    }
    private struct Answer: Encodable {
        struct Media: Encodable { let schema: AnswerSchema }
        let description: String
        let content: [String: Media]?

        init(_ description: String, _ schema: AnswerSchema? = nil) {
            self.description = description
            content = schema.map { ["application/json": Media(schema: $0)] }
        }

        static func error(_ description: String) -> Answer { Answer(description, .named("Error")) }
    }
    private struct Price: Encodable {
        let priceMsat: Int64
        let priceSats: Int64
        let capability: String
    }

    /// The document's JSON.
    static func response(_ routes: [APIRoute], version: String) throws -> APIResponse {
        var paths: [String: [String: Operation]] = [:]
        var names: Set<String> = []
        for route in routes where route.path.hasPrefix("/") {
            var name = operationID(route)
            // The same route under a second path.
            while !names.insert(name).inserted { name += "_alias" }
            paths[route.path, default: [:]][route.method.rawValue.lowercased()] = operation(route, name: name)
        }
        return try APIResponse.json(Document(info: Info(version: version), paths: paths))
    }

    private static func operation(_ route: APIRoute, name: String) -> Operation {
        let isPaid = route.product.map { $0.price > .zero } ?? false
        let isForOperators = route.path.hasPrefix("/api/admin/")
        return Operation(
            operationId: name,
            summary: route.documentation.summary,
            parameters: parameters(route),
            requestBody: body(route),
            responses: responses(of: route, isPaid: isPaid, isForOperators: isForOperators),
            security: isPaid ? [["l402": []]] : isForOperators ? [["apiKey": []]] : nil,
            price: route.product.map { product in
                Price(
                    priceMsat: product.price.msat,
                    priceSats: product.price.satCeiling,
                    capability: product.capability
                )
            }
        )
    }

    private static func body(_ route: APIRoute) -> Body? {
        if let text = route.documentation.bodyExample {
            let media = Body.Media(examples: ["example": .init(summary: text)])
            return Body(description: "JSON such as \(text)", content: ["application/json": media])
        }
        guard !route.mediaTypes.contains("application/json") else { return nil }
        let media = Body.Media(schema: .init(type: "string", format: "binary"))
        let content = Dictionary(uniqueKeysWithValues: route.mediaTypes.map { ($0, media) })
        return Body(description: "Bytes; the summary says which", content: content)
    }

    private static func responses(of route: APIRoute, isPaid: Bool, isForOperators: Bool) -> [String: Answer] {
        let about = route.documentation
        var responses = ["429": Answer.error("Too many requests")]
        if about.isRemoved {
            responses["410"] = .error("This route has been removed")
            return responses
        }
        if let created = about.created {
            responses["201"] = Answer(created, about.answer)
        } else {
            responses["200"] = Answer("OK", about.answer)
        }
        if let accepted = about.accepted { responses["202"] = Answer(accepted, about.answer) }
        if let unauthorized = about.unauthorized { responses["401"] = .error(unauthorized) }
        if let unavailable = about.unavailable { responses["503"] = .error(unavailable) }
        if isPaid {
            responses["401"] = .error("The credential cannot be read")
            responses["402"] = Answer("Pay the challenge in WWW-Authenticate and repeat the request")
            let why = "Payments cannot be taken now; nothing was charged"
            responses["503"] = .error([why, about.unavailable].compactMap { $0 }.joined(separator: "; or: "))
        }
        if isForOperators {
            responses["401"] = .error("An API key is needed")
            responses["403"] = .error("The API key is not valid or lacks the scope")
        }
        if route.path.contains("{") { responses["404"] = .error("Not found") }
        if about.bodyExample != nil {
            responses["400"] = .error("The body is not valid")
            responses["413"] = .error("The body is too large")
            responses["415"] = .error("The body is not sent as application/json")
        } else if !route.mediaTypes.contains("application/json") {
            responses["400"] = .error("The body is not valid")
            responses["413"] = .error("The body is too large")
            responses["415"] = .error("The body is not sent as \(route.mediaTypes.sorted().joined(separator: " or "))")
        } else if !about.query.isEmpty || route.path.contains("{") {
            responses["400"] = .error("A parameter is not valid; details.field names it")
        }
        return responses
    }

    private static func operationID(_ route: APIRoute) -> String {
        let words = route.path.split { !$0.isLetter && !$0.isNumber }.filter { $0 != "api" }
        return ([route.method.rawValue.lowercased()] + words.map(String.init)).joined(separator: "_")
    }

    /// By the name of the parameter, or by the route's path where a name means different things.
    private static let parameterMeanings = [
        "ident": "A node: 66-digit public key, or the 64-digit SHA-256 of its text",
        "paymentHash": "A payment hash, 64 hexadecimal digits",
        "subject": "A token id or payment hash, 64 hexadecimal digits",
        "name": "The name of an operator's credential",
        "url_hash": "A service: the SHA-256 of its canonical URL, 64 hexadecimal digits",
        "nonce": "A nonce, 64 hexadecimal digits",
        "/api/probe/{id}": "The number of a probe, from the answer to POST /api/probe",
        "/roughtime/malfeasance/{id}": "The id from the answer to POST /roughtime/malfeasance, 64 hexadecimal digits",
    ]

    private static func parameters(_ route: APIRoute) -> [Parameter] {
        let inPath = route.path.split(separator: "/").filter { $0.hasPrefix("{") }.map { part in
            let name = String(part.dropFirst().dropLast())
            return Parameter(
                name: name,
                in: "path",
                required: true,
                description: parameterMeanings[route.path] ?? parameterMeanings[name] ?? "A part of the path",
                schema: .init(type: "string")
            )
        }
        let inQuery = route.documentation.query.map { parameter in
            Parameter(
                name: parameter.name,
                in: "query",
                required: false,
                description: parameter.description,
                schema: .init(type: parameter.kind.rawValue)
            )
        }
        return inPath + inQuery
    }
}
