// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FROST
import Foundation
import HTTPTypes
import LightningPrimitives
import Nostr
import Pomade
import Secp256k1
import Signer
import Testing

@testable import SignerServer

@Suite("How a signer answers over HTTP")
struct EnvelopeTests {
    private struct Vectors: Decodable {
        struct Case: Decodable {
            let note, path, body, authorization: String
            let server_now: Int64
            let valid: Bool
        }
        let cases: [Case]
    }

    @Test("published requests are let in or refused as published")
    func vectors() async throws {
        let file = try #require(Bundle.module.url(forResource: "nip98", withExtension: "json", subdirectory: "Vectors"))
        let cases = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file)).cases
        #expect(cases.count >= 11)
        for vector in cases {
            let time = vector.server_now
            try await Door.with(now: { time }, signer: { $0.registrationWork = 16 }) { door in
                let reply = await door.send(
                    .post,
                    vector.path,
                    body: Array(vector.body.utf8),
                    headers: [.authorization: vector.authorization]
                )
                #expect(reply.status == 200)
                #expect((reply.code != "auth_failed") == vector.valid, "\(vector.note): \(reply.text)")
                #expect(reply.code != "pow_required")
                // The same once more is refused, whatever it was.
                let again = await door.send(
                    .post,
                    vector.path,
                    body: Array(vector.body.utf8),
                    headers: [.authorization: vector.authorization]
                )
                #expect(again.code == "auth_failed")
            }
        }
    }

    @Test("what is no call is told in the same shape, readable by browsers")
    func shapes() async throws {
        try await Door.with { door in
            let preflight = await door.send(.options, "/register")
            #expect(preflight.status == 204 && preflight.text.isEmpty)
            #expect(preflight.headers[.accessControlAllowMethods] == "POST, OPTIONS")
            #expect(preflight.headers[.accessControlAllowHeaders] == "Content-Type, Authorization")
            #expect(preflight.headers[.accessControlMaxAge] == "86400")
            for (method, path, body, status, code) in [
                (HTTPRequest.Method.get, "/register", [], 405, "method_not_allowed"),
                (.put, "/anything", [], 405, "method_not_allowed"),
                (.post, "/register", Array("{".utf8), 400, "bad_json"),
                (.post, "/register", Array(#"{"a":NaN}"#.utf8), 400, "bad_json"),
                (.post, "/register", [0xFF], 400, "bad_json"),
                (.post, "/register", [UInt8](repeating: 0x20, count: 65_537), 413, "too_large"),
                (.post, "/register", [], 200, "auth_failed"), (.post, "/nothing", [], 200, "auth_failed"),
            ] {
                let reply = await door.send(method, path, body: body)
                #expect(reply.status == status && reply.code == code && !reply.isOK, "\(path): \(reply.text)")
                #expect(reply.object["message"] is String)
                #expect(reply.headers[.accessControlAllowOrigin] == "*")
                #expect(reply.headers[.contentType] == "application/json")
            }
            let unknown = await door.call("/sign", SecretKey.random(), raw: Array("{}".utf8))
            #expect(unknown.status == 200 && unknown.code == "not_found")
        }
    }

    @Test("one address is slowed down with Retry-After; others go on")
    func throttling() async throws {
        try await Door.with(server: { _ in }) { door in
            var throttled: Reply?
            for _ in 0..<40 {
                let reply = await door.send(.post, "/register", peer: "192.0.2.1")
                if reply.status == 429 { throttled = reply }
            }
            let reply = try #require(throttled)
            #expect(reply.code == "throttled" && reply.headers[.accessControlAllowOrigin] == "*")
            #expect(try #require(reply.headers[.retryAfter].flatMap { Int($0) }) > 0)
            #expect(await door.send(.post, "/register", peer: "192.0.2.2").status == 200)
            #expect(await door.send(.post, "/sign/commit", peer: "192.0.2.1").status == 200)
        }
    }

    @Test("a signer below a path answers there, and takes its former name too")
    func prefix() async throws {
        try await Door.with(
            url: "https://host.example/signer",
            signer: {
                $0.registrationWork = 0
                $0.aliases = ["https://old.example"]
            }
        ) { door in
            let person = try Person()
            #expect(try await door.call("/register", person.client, person.registration).isOK)
            let body = Array("{}".utf8)
            let event = HTTPAuthorization.event(
                key: NostrKey(person.secret),
                url: "https://old.example/session/list",
                body: body,
                createdAt: door.now()
            ).signed(by: person.secret)
            // An L402 credential may stand beside it.
            let value = "L402 abc:def, " + HTTPAuthorization.header(event)
            let reply = await door.send(.post, "/signer/session/list", body: body, headers: [.authorization: value])
            #expect(reply.isOK, "\(reply.text)")
        }
    }

    @Test("a mailed link shows a page and does nothing before its button is pressed")
    func links() async throws {
        try await Door.with { door in
            let person = try Person()
            #expect(try await door.call("/register", person.client, person.registration).isOK)
            let setup = PomadeBody.RecoverySetup(email: person.email, passwordHash: "\(person.passwordHash)")
            #expect(try await door.call("/recovery/setup", person.client, setup).isOK)
            let link = try #require(
                door.letters.all.lazy.compactMap { if case .recoverySet(let link) = $0 { link } else { nil } }.first
            )
            let path = String(link.dropFirst(door.url.count))
            for _ in 0..<2 {
                let page = await door.send(.get, path)
                #expect(page.status == 200 && page.text.contains("<button>"))
            }
            #expect(await door.send(.post, path).text.contains("Confirmed"))
            #expect(await door.send(.post, path).status == 404)
            #expect(await door.send(.get, "/x/email/confirm").status == 405)
        }
    }

    @Test("who the signer is can be read without a signature, and is signed")
    func info() async throws {
        try await Door.with { door in
            for reply in [await door.send(.get, "/x/info"), await door.send(.post, "/x/info")] {
                let info = try JSONDecoder().decode(PomadeContent.Info.self, from: Data(reply.text.utf8))
                try info.event.verify()
                #expect(info.event.key.bytes == info.pubkey.bytes && info.event.kind == 20_284)
                let statement = try JSONDecoder().decode(
                    PomadeContent.Info.Statement.self,
                    from: Data(info.event.content.utf8)
                )
                #expect(statement == info.statement && statement.url == door.url)
            }
        }
    }

    @Test("metrics are this machine's; through a proxy or from elsewhere they need the key")
    func metrics() async throws {
        try await Door.with(server: { $0.metricsKey = "key" }) { door in
            #expect(await door.send(.get, "/metrics").text == "metrics")
            let name = try #require(HTTPField.Name("X-Forwarded-For"))
            let forwarded: HTTPFields = [name: "192.0.2.1"]
            #expect(await door.send(.get, "/metrics", headers: forwarded).status == 405)
            #expect(await door.send(.get, "/metrics", peer: "192.0.2.1").status == 405)
            let key: HTTPFields = [.authorization: "Bearer key"]
            #expect(await door.send(.get, "/metrics", headers: key, peer: "192.0.2.1").text == "metrics")
        }
    }
}
