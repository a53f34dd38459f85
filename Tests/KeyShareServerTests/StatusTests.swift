// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import KeyShareNode
import KeyShareProtocol
import Postgres
import Testing

@testable import KeyShareServer

@Suite("The status of a key share node")
struct StatusTests {
    @Test("Oko's members come first, in its order, then ours")
    func order() async throws {
        try await House.with { house in
            let reply = await house.send(.get, "/status")
            #expect(reply.status == 200)
            let names = [
                "is_db_connected", "is_db_backup_checked", "latest_backup_time", "ks_node_public_key", "launch_time",
                "git_hash", "version", "sealed", "schema_version", "kek_epoch", "rows_v1_left", "backup", "audit_head",
                "time",
            ]
            let places = names.compactMap { reply.text.range(of: "\"\($0)\":")?.lowerBound }
            #expect(places.count == names.count && places == places.sorted())
            #expect(reply.text.hasPrefix(#"{"is_db_connected":true,"is_db_backup_checked":true,"#))
            let status = reply.object
            #expect(status["success"] == nil)
            #expect(status["git_hash"] is NSNull)
            #expect(status["version"] as? String == "1.2.3")
            #expect(status["launch_time"] as? String == "2026-01-01T00:00:00.000Z")
            #expect((status["ks_node_public_key"] as? String)?.count == 64)
            #expect(status["sealed"] as? Bool == false)
            #expect(status["rows_v1_left"] as? Int == 0)
            let backup = try #require(status["backup"] as? [String: Any])
            #expect(backup["last_ok"] as? String == "2026-01-31T03:17:01.000Z")
            #expect((backup["last_drill"] as? [String: Any])?["ok"] as? Bool == true)
            #expect(backup["offsite"] as? String == "off")
        }
    }

    @Test("a node that is sealed says so, and is not ready")
    func sealed() async throws {
        try await House.with { house in
            #expect(await house.send(.get, "/status?ready=1").status == 200)
            try await house.service.seal()
            let ready = await house.send(.get, "/status?ready=1")
            #expect(ready.status == 503 && ready.object["sealed"] as? Bool == true)
            #expect(await house.send(.get, "/status").status == 200)
            let refused = await house.post("/keyshare/v2/check", "{}")
            #expect(refused.code == "NODE_SEALED" || refused.code == "INVALID_REQUEST")
        }
    }

    @Test("a database that is away makes the node unready, and /status answers all the same")
    func away() async throws {
        try await House.with { house in
            await house.client.shutDown()
            let status = await house.send(.get, "/status")
            #expect(status.status == 200 && status.object["is_db_connected"] as? Bool == false)
            #expect(await house.send(.get, "/status?ready=1").status == 503)
        }
    }

    @Test("the node's keys are shown with their chain")
    func keys() async throws {
        try await House.with { house in
            _ = try await house.service.rotateKeypair()
            let reply = await house.send(.get, "/node/v1/keys")
            let keys = try #require(reply.data["keys"] as? [[String: Any]])
            #expect(keys.count == 2)
            #expect((keys.first?["signature"] as? String)?.count == 128)
            #expect(keys.last?["signature"] is NSNull)
        }
    }

    @Test("the description has every route, and the page loads nothing of other hosts")
    func description() async throws {
        try await House.with { house in
            let reply = await house.send(.get, "/api_docs/openapi.json")
            let document = reply.object
            #expect(document["openapi"] as? String == "3.0.0")
            let info = try #require(document["info"] as? [String: Any])
            #expect(info["title"] as? String == "Key Share Node API documentation")
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            for endpoint in Endpoint.all {
                let operation = paths[endpoint.template]?[endpoint.method.rawValue.lowercased()] as? [String: Any]
                #expect(operation != nil, "\(endpoint.template)")
                #expect((operation?["responses"] as? [String: Any])?["200"] != nil)
                // What the table says is found by the router, too.
                let path = endpoint.template.replacing("{node}", with: "a").replacing("{name}", with: "b.akb")
                #expect(Endpoint(path: path) == endpoint)
            }
            for route in KeyShareRoute.allCases { #expect(paths[route.rawValue] != nil) }
            let identifiers = paths.values.flatMap { $0.values }
                .compactMap { ($0 as? [String: Any])?["operationId"] as? String }
            #expect(Set(identifiers).count == identifiers.count)
            let page = await house.send(.get, "/api_docs")
            #expect(page.headers["Content-Type"]?.hasPrefix("text/html") == true)
            #expect(page.text.contains("/keyshare/v2/reshare/register"))
            #expect(!page.text.contains("http://") && !page.text.contains("https://") && !page.text.contains("<script"))
        }
    }

    @Test("every example of the description is JSON")
    func examples() {
        for route in RouteDescription.all {
            for text in [route.body, route.answer].compactMap({ $0 }) {
                #expect((try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil, "\(text)")
            }
        }
    }
}
