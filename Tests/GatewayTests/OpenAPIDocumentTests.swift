// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import Gateway

@Suite("The description of the API")
struct OpenAPIDocumentTests {
    private struct Document: Decodable {
        struct Answer: Decodable { let description: String }
        struct Operation: Decodable { let responses: [String: Answer] }
        let paths: [String: [String: Operation]]
    }

    private func answers(_ route: APIRoute) throws -> Set<String> {
        let response = try OpenAPIDocument.response([route], version: "1")
        let document = try JSONDecoder().decode(Document.self, from: Data(response.body.readableBytesView))
        let operation = try #require(document.paths[route.path]?[route.method.rawValue.lowercased()])
        return Set(operation.responses.keys)
    }

    private func route(_ path: String, _ documentation: RouteDocumentation) -> APIRoute {
        APIRoute(.get, path, limiter: .global, documentation: documentation, access: .free { _ in APIResponse() })
    }

    @Test("a parameter in the path or the query can be wrong, and a route without any cannot")
    func parameters() throws {
        #expect(try answers(route("/a/{id}", .init("A"))) == ["200", "400", "404", "429"])
        #expect(try answers(route("/a", .init("A", query: [.init("q", .string, "Q")]))) == ["200", "400", "429"])
        #expect(try answers(route("/a", .init("A"))) == ["200", "429"])
    }

    @Test("a body can be invalid, too large or of the wrong type")
    func body() throws {
        #expect(try answers(route("/a", .init("A", bodyExample: "{}"))) == ["200", "400", "413", "415", "429"])
    }

    @Test("a route that takes bytes says which types, and one that makes something never answers 200")
    func bytesAndCreated() throws {
        var bytes = route("/a", .init("A"))
        bytes.mediaTypes = ["application/octet-stream"]
        #expect(try answers(bytes) == ["200", "400", "413", "415", "429"])
        #expect(try answers(route("/a", .init("A", created: "Made"))) == ["201", "429"])
    }

    @Test("a removed route never promises success")
    func removed() throws {
        for route in APIRoute.legacy { #expect(try answers(route) == ["410", "429"]) }
    }
}
