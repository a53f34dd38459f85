// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import HTTPTypes
import IPAddresses
import KeyShareProtocol
import NIOHTTP1
import Testing

@testable import KeyShareServer

@Suite("A key share node over HTTP")
struct SiteTests {
    private static let register =
        #"{"auth_type":"google","curve_type":"secp256k1","public_key":"\#(House.key)","share":"\#(House.share)"}"#
    private static let get = #"{"auth_type":"google","curve_type":"secp256k1","public_key":"\#(House.key)"}"#

    @Test("a share is stored, given back, confirmed and found, over sockets")
    func life() async throws {
        try await House.with { house in
            try await house.listening { main, _ in
                let login = [("Authorization", "Bearer ada")]
                let stored = try await fetch(.POST, main + "/keyshare/v1/register", body: Self.register, headers: login)
                #expect(stored.status == 200 && stored.text == #"{"data":null,"success":true}"#)
                let given = try await fetch(.POST, main + "/keyshare/v1/", body: Self.get, headers: login)
                #expect(given.data["share"] as? String == House.share)
                let confirmed = try await fetch(
                    .POST,
                    main + "/keyshare/v1/reshare",
                    body: Self.register,
                    headers: login
                )
                #expect(confirmed.status == 200)
                let found = try await fetch(
                    .POST,
                    main + "/keyshare/v1/check",
                    body: #"{"user_auth_id":"test_ada","curve_type":"secp256k1","public_key":"\#(House.key)"}"#
                )
                #expect(found.data["exists"] as? Bool == true)
                let again = try await fetch(.POST, main + "/keyshare/v1/register", body: Self.register, headers: login)
                #expect(again.status == 409 && again.code == "DUPLICATE_PUBLIC_KEY")
            }
        }
    }

    @Test("every answer has helmet's fields, an id, any origin, and the client's standing")
    func fields() async throws {
        try await House.with(server: { _ in }) { house in
            let reply = await house.send(.get, "/")
            #expect(reply.status == 200 && reply.text == "Ok")
            #expect(reply.headers["Content-Type"]?.hasPrefix("text/plain") == true)
            #expect(reply.headers["Content-Security-Policy"]?.contains("upgrade-insecure-requests") == false)
            for name in [
                "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Origin-Agent-Cluster",
                "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-DNS-Prefetch-Control",
                "X-Download-Options", "X-Frame-Options", "X-Permitted-Cross-Domain-Policies", "X-XSS-Protection",
                "X-Request-Id",
            ] { #expect(reply.headers[name]?.isEmpty == false, "\(name)") }
            #expect(reply.headers["Access-Control-Allow-Origin"] == "*")
            #expect(reply.headers["RateLimit-Policy"] == "100;w=60")
            #expect(reply.headers["RateLimit-Limit"] == "100")
            #expect(reply.headers["RateLimit-Remaining"] == "99")
            #expect(reply.headers["X-RateLimit-Limit"] == nil && reply.headers["Server"] == nil)
            let named = await house.send(.get, "/status", headers: ["X-Request-Id": "abc-1"])
            #expect(named.headers["X-Request-Id"] == "abc-1")
            let forged = await house.send(.get, "/status", headers: ["X-Request-Id": "a b"])
            #expect(forged.headers["X-Request-Id"] != "a b")
        }
    }

    @Test("the hundred-and-first request of a minute is refused in the protocol's words")
    func limit() async throws {
        try await House.with(server: { _ in }) { house in
            for _ in 0..<100 { #expect(await house.send(.get, "/").status == 200) }
            let refused = await house.post("/keyshare/v2/check", "{}")
            #expect(refused.status == 429)
            #expect(
                refused.text
                    == #"{"code":"RATE_LIMIT_EXCEEDED","msg":"Too many requests, please try again after 60 seconds","success":false}"#
            )
            #expect(refused.headers["Retry-After"] != nil && refused.headers["X-Request-Id"] != nil)
            #expect(await house.send(.get, "/", peer: "203.0.113.8").status == 200)
        }
    }

    @Test("behind a trusted proxy the client counts, and nobody else can name one")
    func proxies() async throws {
        let trusting: @Sendable (inout KeyShareServerConfiguration) -> Void = { server in
            server.requestsPerMinute = 1
            server.trustedProxies = [IPNetwork("10.0.0.0/8")].compactMap { $0 }
        }
        try await House.with(server: trusting) { house in
            func status(_ forwarded: String, peer: String) async -> Int {
                await house.send(.get, "/", headers: ["X-Forwarded-For": forwarded], peer: peer).status
            }
            #expect(await status("198.51.100.1", peer: "10.0.0.1") == 200)
            #expect(await status("198.51.100.2", peer: "10.0.0.1") == 200)
            // The right-most untrusted hop is the client, whatever stands before it.
            #expect(await status("192.0.2.77, 198.51.100.1", peer: "10.0.0.1") == 429)
            #expect(await status("198.51.100.2, 10.0.0.9", peer: "10.0.0.2") == 429)
            // Strangers are who they are.
            #expect(await status("198.51.100.3", peer: "203.0.113.1") == 200)
            #expect(await status("198.51.100.4", peer: "203.0.113.1") == 429)
        }
    }

    @Test("paths and methods that do not exist are refused in the envelope")
    func unknown() async throws {
        try await House.with { house in
            let missing = await house.send(.get, "/nowhere")
            #expect(missing.status == 404 && missing.code == "NOT_FOUND")
            let method = await house.send(.get, "/keyshare/v1/register")
            #expect(
                method.status == 405 && method.code == "METHOD_NOT_ALLOWED"
                    && method.headers["Allow"] == "POST, OPTIONS"
            )
            let posted = await house.post("/status", "{}")
            #expect(posted.status == 405 && posted.headers["Allow"] == "GET, HEAD, OPTIONS")
            let head = await house.send(.head, "/status")
            #expect(head.status == 200 && head.text.isEmpty)
            let preflight = await house.send(
                .options,
                "/keyshare/v1/register",
                headers: ["Origin": "https://a.example"]
            )
            #expect(preflight.status == 204 && preflight.headers["Access-Control-Allow-Origin"] == "*")
            #expect(preflight.headers["Access-Control-Allow-Headers"]?.contains("Authorization") == true)
            #expect(await house.send(.get, "/status/").status == 200)
        }
    }

    @Test("bodies of another type, too large, or compressed are refused")
    func bodies() async throws {
        try await House.with { house in
            let body = Array(Self.get.utf8)
            func code(_ headers: [String: String], _ body: [UInt8]) async -> String? {
                await house.send(.post, "/keyshare/v1/", body: body, headers: headers).code
            }
            #expect(await code(["Content-Type": "text/plain"], body) == "UNSUPPORTED_MEDIA_TYPE")
            #expect(await code(["Content-Type": "application/x-www-form-urlencoded"], body) == "UNSUPPORTED_MEDIA_TYPE")
            #expect(await code(["Content-Type": "application/json; charset=utf-16"], body) == "UNSUPPORTED_MEDIA_TYPE")
            #expect(await code(["Content-Encoding": "gzip"], body) == "UNSUPPORTED_MEDIA_TYPE")
            #expect(await code(["Content-Type": "application/json; charset=UTF-8"], body) == "UNAUTHORIZED")
            let large = [UInt8](repeating: UInt8(ascii: " "), count: 100_001)
            #expect(await code([:], large) == "PAYLOAD_TOO_LARGE")
            #expect(await code(["Content-Length": "0"], large) == "PAYLOAD_TOO_LARGE")
        }
    }

    @Test("only the origins that were named may read, where some were named")
    func origins() async throws {
        try await House.with(server: { $0.origins = OriginRule("https://a.example, https://b.example") }) { house in
            let allowed = await house.send(.get, "/", headers: ["Origin": "https://b.example"])
            #expect(allowed.headers["Access-Control-Allow-Origin"] == "https://b.example")
            #expect(allowed.headers["Vary"] == "Origin")
            let other = await house.send(.get, "/", headers: ["Origin": "https://c.example"])
            #expect(other.headers["Access-Control-Allow-Origin"] == nil && other.headers["Vary"] == "Origin")
        }
    }

    @Test("a provider that is away is 503 and a bad token 401, and no token or share is ever logged")
    func logins() async throws {
        try await House.with { house in
            let away = await house.post("/keyshare/v1/register", Self.register, token: "down")
            #expect(away.status == 503 && away.code == "PROVIDER_UNAVAILABLE" && away.headers["Retry-After"] != nil)
            let bad = await house.post("/keyshare/v1/register", Self.register, token: "bad")
            #expect(bad.status == 401 && bad.code == "UNAUTHORIZED")
            let none = await house.post("/keyshare/v1/register", Self.register)
            #expect(none.object["msg"] as? String == "Authorization header with Bearer token required")
            let secret = "a-very-secret-token"
            #expect(await house.post("/keyshare/v1/register", Self.register, token: secret).status == 200)
            #expect(await house.post("/keyshare/v1/", Self.get, token: secret).status == 200)
            #expect(house.logs.text.contains("POST /keyshare/v1/register"))
            for hidden in [secret, House.share, House.key, "203.0.113.7"] {
                #expect(!house.logs.text.contains(hidden))
            }
        }
    }

    @Test("where only services may ask whether a share exists, the body has to be signed")
    func checks() async throws {
        let key = String(repeating: "s", count: 32)
        try await House.with(server: { $0.checkKey = key }) { house in
            let body = #"{"user_auth_id":"test_ada","curve_type":"secp256k1","public_key":"\#(House.key)"}"#
            #expect(await house.post("/keyshare/v1/check", body).code == "UNAUTHORIZED")
            let code = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: .init(data: Array(key.utf8)))
            func reply(_ code: [UInt8]) async -> Reply {
                await house.send(
                    .post,
                    "/keyshare/v1/check",
                    body: Array(body.utf8),
                    headers: ["X-KS-Check": Hex.encode(code)]
                )
            }
            #expect(await reply(Array(code)).data["exists"] as? Bool == false)
            #expect(await reply(Array(code).reversed()).code == "UNAUTHORIZED")
        }
    }

    @Test("behind a prefix the paths are the same")
    func prefix() async throws {
        try await House.with(server: { $0.prefix = "/ks" }) { house in
            #expect(await house.send(.get, "/ks").text == "Ok")
            #expect(await house.send(.get, "/ks/status").status == 200)
            #expect(await house.post("/ks/keyshare/v1/", Self.get).code == "UNAUTHORIZED")
            #expect(await house.send(.get, "/ks/api_docs/openapi.json").text.contains(#""url":"/ks""#))
        }
    }
}
