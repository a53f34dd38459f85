// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import KeyShareProtocol
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import KeyShareServer

@Suite("Hostile requests")
struct HostileTests {
    private static let bodies = [
        "", " ", "{}", "[]", "null", "true", "0", "1e999", #""text""#, "{", "[", "{]", #"{"a"}"#, #"{"a":}"#, "{,}",
        "nul",
        #"{"wallets":null}"#, #"{"wallets":[]}"#, #"{"wallets":{}}"#, #"{"wallets":"x"}"#, #"{"wallets":7}"#,
        #"{"user_auth_id":"x","auth_type":"google"}"#,
        #"{"user_auth_id":null,"auth_type":{},"wallets":{"secp256k1":null}}"#,
        #"{"user_auth_id":"x","auth_type":"google","wallets":{"ed448":"00"}}"#,
        #"{"user_auth_id":"x","auth_type":"google","wallets":{"secp256k1":{"public_key":"00"}}}"#,
        #"{"user_auth_id":"x","user_auth_id":"y","curve_type":"secp256k1","public_key":"00"}"#,
        #"{"auth_type":"google","auth_type":"google"}"#, #"{"auth_type":"__proto__","curve_type":"constructor"}"#,
        #"{"auth_type":"google","curve_type":"secp256k1","public_key":"0x00","share":"zz"}"#,
        #"{"auth_type":"google","curve_type":"secp256k1","public_key":\#(String(repeating: "9", count: 400))}"#,
        #"{"session_id":"x","operation_type":"sign_in","client_ephemeral_pubkey":"","id_token_hash":""}"#,
        #"{"password":{},"dump_path":[]}"#, #"{"password":"x","dump_path":"../../etc/passwd"}"#, #"{"days":1e400}"#,
        "{\"a\":\"\\ud800\"}", "{\"a\":\"\u{0}\"}", "\u{FEFF}{}",
        "{\"user_auth_id\":\"\\u0000\",\"wallets\":{\"secp256k1\":\"00\"}}",
    ]

    private static var nested: [String] {
        [
            String(repeating: "[", count: 50_000), String(repeating: "{\"a\":", count: 20_000),
            String(repeating: "[", count: 40_000) + String(repeating: "]", count: 40_000),
            #"{"wallets":{"secp256k1":{"a":{"b":{"c":1}}}}}"#,
        ]
    }

    /// Whether an answer is one of ours: a status below 500 or one that the protocol foresees, in the envelope.
    private func isCivil(_ reply: Reply) -> Bool {
        if reply.status == 503 { return ["PROVIDER_UNAVAILABLE", "NODE_SEALED"].contains(reply.code) }
        guard reply.status < 500 else { return false }
        return reply.status == 200 || (reply.object["success"] as? Bool == false && reply.code != nil)
    }

    @Test("no body on any route ends in a fault, with or without a login")
    func everyRoute() async throws {
        try await House.with { house in
            for endpoint in Endpoint.all where endpoint.method == .post {
                for body in Self.bodies + Self.nested {
                    let login = ["Authorization": "Bearer ada", "X-KS-Session": "x", "X-KS-Signature": "00"]
                    for headers in [[:], login] {
                        let door: KeyShareDoor = if case .administration = endpoint { .administration } else { .main }
                        let reply = await house.send(
                            .post,
                            endpoint.template,
                            body: Array(body.utf8),
                            headers: headers,
                            door: door
                        )
                        #expect(
                            isCivil(reply),
                            "\(endpoint.template) \(body.prefix(80)): \(reply.status) \(reply.text)"
                        )
                        // Nothing but an answer to a well-formed request may be a success.
                        #expect(reply.status != 200, "\(endpoint.template) \(body.prefix(80))")
                    }
                }
            }
            #expect(await house.send(.get, "/status?ready=1").status == 200)
        }
    }

    @Test("an anonymous question without wallets is refused, and the next one is answered")
    func anonymous() async throws {
        try await House.with { house in
            try await house.listening { main, _ in
                for body in ["{}", "[]", "null", #"{"user_auth_id":"x","auth_type":"google"}"#] {
                    let reply = try await fetch(.POST, main + "/keyshare/v2/check", body: body)
                    #expect(reply.status == 400 && reply.code == "INVALID_REQUEST")
                }
                let reply = try await fetch(
                    .POST,
                    main + "/keyshare/v2/check",
                    body: #"{"user_auth_id":"x","auth_type":"google","wallets":{"secp256k1":"\#(House.key)"}}"#
                )
                #expect(reply.status == 200)
            }
        }
    }

    @Test("ten thousand mutated bodies, and the node still serves")
    func mutated() async throws {
        let valid = [
            #"{"auth_type":"google","curve_type":"secp256k1","public_key":"\#(House.key)","share":"\#(House.share)"}"#,
            #"{"auth_type":"google","wallets":{"secp256k1":"\#(House.key)"},"cr_session_id":"6f1cdd5e-6f0d-4f3c-a7c1-0c4b7d8a2f10"}"#,
            #"{"user_auth_id":"test_a","auth_type":"google","wallets":{"secp256k1":"\#(House.key)","ed25519":"\#(House.key.dropLast(2))"}}"#,
            #"{"auth_type":"google","wallets":{"secp256k1":{"public_key":"\#(House.key)","share":"\#(House.share)"}}}"#,
            #"{"session_id":"6f1cdd5e-6f0d-4f3c-a7c1-0c4b7d8a2f10","operation_type":"sign_in","client_ephemeral_pubkey":"\#(House.share.prefix(64))","id_token_hash":"\#(House.share.prefix(64))"}"#,
        ]
        let routes = KeyShareRoute.allCases.filter { $0.authentication != .administrator }
        try await House.with { house in
            // 8 at a time, as many connections would.
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in 0..<1_250 {
                            let route = routes[(worker * 1_250 + number) % routes.count]
                            let body = mutant(of: Array((valid.randomElement() ?? "{}").utf8))
                            let token = Bool.random() ? ["Authorization": "Bearer eve"] : [:]
                            let reply = await house.send(.post, route.rawValue, body: body, headers: token)
                            let text = String(decoding: body, as: UTF8.self)
                            #expect(isCivil(reply), "\(route.rawValue) \(text): \(reply.status) \(reply.text)")
                        }
                    }
                }
            }
            #expect(await house.send(.get, "/status?ready=1").status == 200)
            #expect(!house.logs.text.contains("unforeseen"))
        }
    }

    private func mutant(of body: [UInt8]) -> [UInt8] {
        var body = body
        for _ in 0..<Int.random(in: 1...4) where !body.isEmpty {
            let place = Int.random(in: body.indices)
            switch Int.random(in: 0..<6) {
            case 0: body[place] ^= 1 << UInt8.random(in: 0..<8)
            case 1: body.remove(at: place)
            case 2: body.insert(UInt8.random(in: .min ... .max), at: place)
            case 3: body.removeSubrange(place...)
            case 4: body.insert(contentsOf: body[place..<min(place + 20, body.count)], at: place)
            default:
                body[place] =
                    [UInt8(ascii: "{"), UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: "0")].randomElement() ?? 0
            }
        }
        return body
    }

    @Test("paths and fields that nobody sends are refused")
    func paths() async throws {
        try await House.with { house in
            for path in [
                "//", "/..", "/keyshare/v1/../v1/register", "/keyshare/v1/register//", "/%2e%2e/status",
                "/KEYSHARE/v1/",
                "/admin/v1/offsite/../x", "/admin/v1/offsite/a/b/c", "/status%00",
                "/" + String(repeating: "a", count: 8000),
            ] {
                #expect(await house.send(.get, path).status == 404, "\(path)")
            }
            let headers = ["Authorization": "Bearer " + String(repeating: "x", count: 17_000)]
            let reply = await house.send(
                .post,
                "/keyshare/v1/",
                body: Array(#"{"auth_type":"google","curve_type":"secp256k1","public_key":"\#(House.key)"}"#.utf8),
                headers: headers
            )
            #expect(reply.status == 401)
        }
    }

    @Test("bytes that are no HTTP, and bodies whose end is in doubt, close their own connection only")
    func sockets() async throws {
        try await House.with { house in
            try await house.listening { main, _ in
                let port = try #require(URL(string: main)?.port)
                let streams = [
                    "garbage\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                    "POST /keyshare/v1/ HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
                    "POST /keyshare/v1/ HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
                    "POST /keyshare/v1/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\nContent-Type: application/json\r\n\r\n0\r\n\r\n",
                    "POST /keyshare/v1/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nZZ\r\n",
                    "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 100) + "\r\n",
                    "GET / HTTP/1.1\r\nA: " + String(repeating: "b", count: 30_000) + "\r\n\r\n",
                    "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
                ]
                for bytes in streams {
                    let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                        .connect(host: "127.0.0.1", port: port).get()
                    // The node may have hung up already.
                    try? await channel.writeAndFlush(ByteBuffer(string: bytes)).get()
                    try? await channel.close().get()
                }
                #expect(try await fetch(.GET, main + "/status?ready=1").status == 200)
            }
        }
    }
}
