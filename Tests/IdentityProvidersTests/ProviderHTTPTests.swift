// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import IdentityTestIssuer
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@testable import IdentityProviders

@Suite("Providers over HTTP", .serialized)
struct ProviderHTTPTests {
    private static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    private static var now: Int64 { Int64(Date().timeIntervalSince1970) }

    /// Runs a test beside an issuer of the loopback.
    private static func withIssuer(
        _ body: (String, ProviderHTTPConnection) async throws -> Void
    ) async throws {
        let (ports, found) = AsyncStream<Int>.makeStream()
        let issuer = try IdentityTestIssuer(logger: quiet) { found.yield($0) }
        let connection = ProviderHTTPConnection(deadline: .seconds(120))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await issuer.run() }
            for await port in ports {
                try await body("http://127.0.0.1:\(port)", connection)
                break
            }
            group.cancelAll()
        }
        await connection.shutdown()
    }

    private static func post(_ url: String, _ body: String) async throws -> [String: String] {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.body = .bytes(ByteBuffer(string: body))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        let bytes = try await response.body.collect(upTo: 65_536)
        return try JSONDecoder().decode([String: String].self, from: Data(bytes.readableBytesView))
    }

    @Test("what the test issuer mints is taken, and what it mints wrongly on request is refused")
    func mint() async throws {
        try await Self.withIssuer { (url: String, connection: ProviderHTTPConnection) async throws -> Void in
            var rules = OpenIDProvider.Rules(
                issuers: [url],
                keysURL: url + "/jwks",
                audiences: [IdentityTestIssuer.audience],
                prefix: "oidc_"
            )
            rules.requiresVerifiedEmail = true
            rules.algorithms = [.rs256, .edDSA]
            let provider = OpenIDProvider(rules, connection: connection)
            func outcome(_ members: String) async throws -> Outcome {
                let body = #"{"sub":"ada","email":"ada@example.com"\#(members)}"#
                let token = try #require(try await Self.post(url + "/mint", body)["id_token"])
                return await provider.outcome(token, now: Self.now)
            }
            #expect(try await outcome("") == .user("oidc_ada"))
            #expect(try await outcome(#","alg":"EdDSA""#) == .user("oidc_ada"))
            for wrong in [
                #","aud":"other""#, #","iss":"https://evil.example""#, #","exp":1"#, #","iat":1"#,
                #","nbf":99999999999"#, #","email_verified":false"#, #","email_verified":null"#, #","exp":null"#,
                #","alg":"none""#, #","alg":"HS256""#, #","alg":"ES256""#, #","kid":"other""#,
            ] {
                #expect(try await outcome(wrong) == .unauthorized, "\(wrong)")
            }
        }
    }

    @Test("a token of Discord is taken for our application, for its time and its scope")
    func discord() async throws {
        try await Self.withIssuer { (url: String, connection: ProviderHTTPConnection) async throws -> Void in
            let provider = DiscordProvider(
                applicationID: IdentityTestIssuer.application,
                baseURL: url,
                connection: connection
            )
            func outcome(_ body: String) async throws -> Outcome {
                let token = try #require(try await Self.post(url + "/mint/discord", body)["access_token"])
                return await provider.outcome(token, now: Self.now)
            }
            #expect(try await outcome(#"{"id":"80351110224678912"}"#) == .user("discord_80351110224678912"))
            for wrong in [
                #"{"application":"1"}"#, #"{"scopes":["email"]}"#, #"{"scopes":[]}"#, #"{"expires_in":-86400}"#,
                #"{"id":"x"}"#, #"{"id":""}"#,
            ] {
                #expect(try await outcome(wrong) == .unauthorized, "\(wrong)")
            }
            #expect(await provider.outcome("unknown", now: Self.now) == .unauthorized)
            #expect(await provider.outcome("a\r\nX: y", now: Self.now) == .unauthorized)
        }
    }

    @Test("a code of X is exchanged once and serves its session, and no access token is taken")
    func x() async throws {
        try await Self.withIssuer { (url: String, connection: ProviderHTTPConnection) async throws -> Void in
            let provider = XProvider(
                clientID: "client",
                clientSecret: "secret",
                redirectURIs: ["https://wallet.example/x"],
                baseURL: url,
                connection: connection
            )
            func token(_ code: String, page: String = "https://wallet.example/x") -> String {
                #"{"code":"\#(code)","code_verifier":"v","redirect_uri":"\#(page)"}"#
            }
            let good = token("code-42")
            #expect(await provider.outcome(good, now: 0) == .user("x_42"))
            // The second call of the session; neither another session nor a later time.
            #expect(await provider.outcome(good, now: 299) == .user("x_42"))
            #expect(await provider.outcome(good, session: "t", now: 0) == .unauthorized)
            #expect(await provider.outcome(good, now: 300) == .unauthorized)
            #expect(await provider.outcome(token("code-43"), session: nil, now: 0) == .unauthorized)
            #expect(await provider.outcome(token("code-43", page: "https://evil.example/"), now: 0) == .unauthorized)
            for wrong in ["", "{}", "token", token("wrong"), token("code-x"), token("a&code=code-7")] {
                #expect(await provider.outcome(wrong, now: 0) == .unauthorized, "\(wrong)")
            }
        }
    }

    @Test("a provider that is not there, or sends too much, is unavailable")
    func unavailable() async throws {
        let connection = ProviderHTTPConnection()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LargeAnswer())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        await #expect(throws: IdentityFailure.unavailable("the login provider's answer is too large")) {
            try await connection.get("http://127.0.0.1:\(port)/", bearer: nil)
        }
        try await server.close()
        await #expect(throws: IdentityFailure.unavailable("the login provider cannot be reached")) {
            try await connection.get("http://127.0.0.1:\(port)/", bearer: nil)
        }
        await connection.shutdown()
    }

    @Test("a provider that does not answer in time is unavailable")
    func silent() async throws {
        let connection = ProviderHTTPConnection(deadline: .milliseconds(200))
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(server.localAddress?.port)
        await #expect(throws: IdentityFailure.unavailable("the login provider cannot be reached")) {
            try await connection.get("http://127.0.0.1:\(port)/", bearer: nil)
        }
        try await server.close()
        await connection.shutdown()
    }
}

/// Answers every request with more than anyone wants.
private final class LargeAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n")
        answer.writeRepeatingByte(0x20, count: 70_000)
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}
