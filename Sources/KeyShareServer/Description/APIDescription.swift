// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTypes
internal import KeyShareProtocol

/// The OpenAPI 3.0.0 document, made from the table of routes so that it cannot drift from it.
enum APIDescription {
    static let title = "Key Share Node API documentation"

    private static let everywhere: [KeyShareFailureCode] = [.rateLimitExceeded, .unknownError]
    private static let ofBodies: [KeyShareFailureCode] = [.invalidRequest, .payloadTooLarge, .unsupportedMediaType]

    static func bytes(version: String, prefix: String) -> [UInt8] {
        var paths: [String: [String: Any]] = [:]
        for route in RouteDescription.all {
            paths[route.endpoint.template, default: [:]][route.endpoint.method.rawValue.lowercased()] = operation(route)
        }
        let document: [String: Any] = [
            "openapi": "3.0.0",
            "info": [
                "title": title, "version": version.isEmpty ? "0" : version,
                "description": "Keeps one share of each of many wallets' keys and gives it to who proves to own it.",
            ] as [String: Any],
            "servers": [["url": prefix.isEmpty ? "/" : prefix]],
            "paths": paths,
            "components": [
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer", "description": "The token of a login"],
                    "administrator": [
                        "type": "http", "scheme": "basic", "description": "The administrator's password",
                    ],
                ] as [String: Any],
                "schemas": [
                    "Failure": [
                        "type": "object", "required": ["success", "code", "msg"],
                        "properties": [
                            "success": ["type": "boolean", "enum": [false]] as [String: Any],
                            "code": ["type": "string", "enum": KeyShareFailureCode.allCases.map(\.rawValue)]
                                as [String: Any],
                            "msg": ["type": "string"],
                        ] as [String: Any],
                    ] as [String: Any]
                ] as [String: Any],
            ] as [String: Any],
        ]
        let options: JSONSerialization.WritingOptions = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? JSONSerialization.data(withJSONObject: document, options: options) else {
            preconditionFailure("the description is JSON")
        }
        return Array(data)
    }

    private static func operation(_ route: RouteDescription) -> [String: Any] {
        var operation: [String: Any] = [
            "operationId": identifier(route), "summary": route.summary, "tags": [tag(route.endpoint)],
            "responses": responses(route),
        ]
        if let body = route.body {
            operation["requestBody"] = [
                "required": true,
                "content": ["application/json": ["schema": schema(body), "example": object(body)] as [String: Any]],
            ]
        }
        var parameters: [[String: Any]] = []
        switch route.endpoint {
        case .status:
            parameters.append(parameter("ready", in: "query", "1 asks whether share routes serve", isRequired: false))
        case .offsite:
            parameters.append(parameter("node", in: "path", "Name of the node whose backup it is", isRequired: true))
            parameters.append(parameter("name", in: "path", "Name of the file", isRequired: true))
            operation["security"] = [["bearer": [String]()]]
            operation["requestBody"] = [
                "required": true,
                "content": [
                    "application/octet-stream": ["schema": ["type": "string", "format": "binary"]]
                ],
            ]
        case .share(let share) where share.authentication == .bearer:
            operation["security"] = [["bearer": [String]()]]
        case .share(let share) where share.authentication == .session:
            parameters.append(parameter("X-KS-Session", in: "header", "The session's UUID", isRequired: true))
            parameters.append(parameter("X-KS-Signature", in: "header", "The client's signature", isRequired: true))
        case .administration: operation["security"] = [["administrator": [String]()], [:]]
        default: break
        }
        if !parameters.isEmpty { operation["parameters"] = parameters }
        return operation
    }

    private static func responses(_ route: RouteDescription) -> [String: Any] {
        var success: [String: Any] = ["description": "Done"]
        if let answer = route.answer {
            success["content"] = [
                "application/json": ["schema": schema(answer), "example": object(answer)] as [String: Any]
            ]
        } else {
            success["content"] = ["text/plain": ["schema": ["type": "string"]]]
        }
        var responses: [String: Any] = ["200": success]
        let codes = route.codes + everywhere + (route.body == nil ? [] : ofBodies)
        for (status, codes) in Dictionary(grouping: Set(codes), by: \.status) {
            responses[String(status)] = [
                "description": codes.map(\.rawValue).sorted().joined(separator: ", "),
                "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Failure"]]],
            ]
        }
        return responses
    }

    private static func parameter(_ name: String, in place: String, _ meaning: String, isRequired: Bool) -> [String:
        Any]
    {
        [
            "name": name, "in": place, "description": meaning, "required": isRequired,
            "schema": ["type": "string"],
        ]
    }

    private static func identifier(_ route: RouteDescription) -> String {
        let words = (route.endpoint.method.rawValue.lowercased() + route.endpoint.template)
            .split { !$0.isLetter && !$0.isNumber }
        return words.joined(separator: "_")
    }

    private static func tag(_ endpoint: Endpoint) -> String {
        switch endpoint {
        case .share(let route): "Key shares, version \(route.rawValue.dropFirst("/keyshare/v".count).prefix(1))"
        case .administration, .offsite, .metrics: "Administration"
        default: "Node"
        }
    }

    /// The value of an example; the examples are ours.
    private static func object(_ json: String) -> Any {
        (try? JSONSerialization.jsonObject(with: Data(json.utf8))) ?? NSNull()
    }

    /// The schema of an example: its types and members.
    private static func schema(_ json: String) -> [String: Any] { schema(of: object(json)) }

    private static func schema(of value: Any) -> [String: Any] {
        switch value {
        case let members as [String: Any]:
            return ["type": "object", "properties": members.mapValues { schema(of: $0) }]
        case let items as [Any]: return ["type": "array", "items": items.first.map { schema(of: $0) } ?? [:]]
        case is String: return ["type": "string"]
        case is NSNull: return ["nullable": true]
        // Foundation keeps truth and numbers in the same class.
        case let number as NSNumber where String(cString: number.objCType) == "c": return ["type": "boolean"]
        case is NSNumber: return ["type": "integer"]
        default: return [:]
        }
    }
}
