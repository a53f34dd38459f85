// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import IdentityTestIssuer
import Synchronization
import Testing

@testable import IdentityProviders

/// A provider that answers as it is told, and counts how often it was asked.
final class ScriptedConnection: ProviderConnection {
    private struct State {
        var answer: Result<ProviderAnswer, IdentityFailure>
        var count = 0
    }

    private let state: Mutex<State>

    init(_ body: [UInt8]) { state = Mutex(State(answer: .success(ProviderAnswer(status: 200, body: body)))) }

    var count: Int { state.withLock { $0.count } }

    func answer(_ status: Int, _ body: [UInt8]) {
        state.withLock { $0.answer = .success(ProviderAnswer(status: status, body: body)) }
    }

    func fail() { state.withLock { $0.answer = .failure(.unavailable("down")) } }

    func post(
        _ url: String,
        form: [(name: String, value: String)],
        user: String,
        password: String
    ) async throws(IdentityFailure) -> ProviderAnswer { try await get(url, bearer: nil) }

    func get(_ url: String, bearer: String?) async throws(IdentityFailure) -> ProviderAnswer {
        try state.withLock { state in
            state.count += 1
            return state.answer
        }.get()
    }
}

/// How a login ends.
enum Outcome: Equatable, CustomStringConvertible {
    case user(String)
    case unauthorized
    case unavailable

    var description: String {
        switch self {
        case .user(let name): name
        case .unauthorized: "unauthorized"
        case .unavailable: "unavailable"
        }
    }
}

extension IdentityProvider {
    func outcome(_ token: String, session: String? = "s", now: Int64 = 1_700_000_000) async -> Outcome {
        do throws(IdentityFailure) {
            let login = LoginAttempt(token: token, sessionID: session, now: now)
            return .user(try await identity(of: login).userAuthID)
        } catch {
            if case .unavailable = error { return .unavailable }
            return .unauthorized
        }
    }
}

func json(_ members: [String: Any]) throws -> [UInt8] {
    Array(try JSONSerialization.data(withJSONObject: members, options: .sortedKeys))
}

@Suite("OpenID Connect")
struct OpenIDProviderTests {
    /// Made once: RSA keys take a while.
    private static let mint = try? TestTokenMint()
    private static let otherMint = try? TestTokenMint(name: "1")

    private let mint: TestTokenMint
    private let connection: ScriptedConnection
    private let now: Int64 = 1_700_000_000
    private var claims: [String: Any] {
        [
            "iss": "https://accounts.google.com", "aud": "client", "sub": "42", "email": "a@example.com",
            "email_verified": true, "iat": now - 10, "exp": now + 3600,
        ]
    }

    init() throws {
        mint = try #require(Self.mint)
        connection = ScriptedConnection(try mint.keySet)
    }

    private func provider(_ change: (inout OpenIDProvider.Rules) -> Void = { _ in }) -> OpenIDProvider {
        var rules = OpenIDProvider.Rules.google(audiences: ["other", "client"], keysURL: "https://keys.example/")
        change(&rules)
        return OpenIDProvider(rules, connection: connection)
    }

    private func token(_ changes: [String: Any?] = [:], algorithm: String = "RS256", keyID: String? = nil) throws
        -> String
    {
        var claims = claims
        for (name, value) in changes { claims[name] = value }
        return try mint.sign(json(claims), algorithm: algorithm, keyID: keyID)
    }

    @Test("a good token names its user, and one fetch of the keys serves many")
    func good() async throws {
        let provider = provider()
        for changes in [
            [:], ["iss": "accounts.google.com"], ["aud": ["x", "client"]], ["email_verified": "true"],
            ["exp": now - 29], ["iat": now + 29], ["nbf": now + 29], ["iat": now - 3629],
        ] as [[String: Any]] {
            #expect(await provider.outcome(try token(changes)) == .user("google_42"), "\(changes)")
        }
        #expect(connection.count == 1)
    }

    @Test("wrong claims are refused")
    func claimFaults() async throws {
        let provider = provider()
        let faults: [[String: Any?]] = [
            ["iss": "https://accounts.google.com.evil.example"], ["iss": "https://oauth2.example"], ["iss": nil],
            ["iss": ["https://accounts.google.com"]], ["aud": "clien"], ["aud": "client2"], ["aud": [String]()],
            ["aud": nil], ["aud": ["client", 1] as [Any]], ["sub": nil], ["sub": ""], ["sub": 42],
            ["sub": String(repeating: "x", count: 250)], ["sub": "a\u{0}"], ["exp": now - 30], ["exp": nil],
            ["exp": "\(now + 60)"], ["exp": -1], ["exp": 1e300], ["nbf": now + 31], ["iat": now + 31],
            ["iat": now - 3631], ["iat": nil], ["email_verified": false], ["email_verified": "false"],
            ["email_verified": 1], ["email_verified": nil], ["email": nil], ["email": ""],
        ]
        for changes in faults { #expect(await provider.outcome(try token(changes)) == .unauthorized, "\(changes)") }
    }

    @Test("algorithms are pinned: none, HMACs and those of other keys are refused")
    func algorithms() async throws {
        let provider = provider()
        for name in ["none", "None", "HS256", "RS512", "PS256", "ES256", "EdDSA", "", "rs256"] {
            #expect(await provider.outcome(try token(algorithm: name, keyID: "rsa-1")) == .unauthorized, "\(name)")
        }
        for (algorithm, name) in [(TokenAlgorithm.es256, "ES256"), (.edDSA, "EdDSA")] {
            let other = self.provider { $0.algorithms = [algorithm] }
            #expect(await other.outcome(try token(algorithm: name)) == .user("google_42"))
            #expect(await other.outcome(try token()) == .unauthorized)
            // The header of one algorithm with the key of another.
            #expect(await other.outcome(try token(algorithm: name, keyID: "rsa-1")) == .unauthorized)
        }
        let unsigned = try token().split(separator: ".").dropLast().joined(separator: ".") + "."
        #expect(await provider.outcome(unsigned) == .unauthorized)
    }

    @Test("the other text that a token of ECDSA can have is known")
    func twins() async throws {
        func twin(_ text: String) -> String? { LoginAttempt(token: text, sessionID: nil, now: 0).twinToken }
        let provider = provider { $0.algorithms = [.es256] }
        let good = try token(algorithm: "ES256")
        let other = try #require(twin(good))
        #expect(other != good && twin(other) == good)
        // Anyone can make it, and it holds.
        #expect(await provider.outcome(other) == .user("google_42"))
        #expect(twin(try token()) == nil)
        #expect(twin(try token(algorithm: "EdDSA")) == nil)
        for text in ["", "a.b.c", "alice", good + "A"] { #expect(twin(text) == nil) }
    }

    @Test("a token signed by someone else under the same key id is refused")
    func forgedSignature() async throws {
        let other = try #require(Self.otherMint)
        #expect(await provider().outcome(try other.sign(json(claims))) == .unauthorized)
    }

    @Test("every flipped bit, every truncation and every doubled member of a token is refused")
    func mutations() async throws {
        let provider = provider()
        let good = Array(try token().utf8)
        for index in stride(from: 0, to: good.count, by: 3) {
            var changed = good
            changed[index] ^= 1
            #expect(await provider.outcome(String(decoding: changed, as: UTF8.self)) == .unauthorized)
            #expect(await provider.outcome(String(decoding: good.prefix(index), as: UTF8.self)) == .unauthorized)
        }
        for text in ["", ".", "..", "...", "a.b.c", "{}", String(repeating: "a", count: 20_000)] {
            #expect(await provider.outcome(text) == .unauthorized)
        }
        let doubled = String(decoding: try json(claims), as: UTF8.self).dropLast() + #","sub":"1"}"#
        #expect(await provider.outcome(try mint.sign(Array(doubled.utf8))) == .unauthorized)
    }

    @Test("a nonce binds a token to its session where that is asked for")
    func nonces() async throws {
        let bound = provider { $0.bindsNonce = true }
        #expect(await bound.outcome(try token(["nonce": "s"])) == .user("google_42"))
        #expect(await bound.outcome(try token(["nonce": "other"])) == .unauthorized)
        #expect(await bound.outcome(try token()) == .unauthorized)
        #expect(await bound.outcome(try token(["nonce": "s"]), session: nil) == .unauthorized)
    }

    @Test("required claims, and the former name of a user of Auth0")
    func generic() async throws {
        let strict = provider { $0.requiredClaims = ["hd": "example.com"] }
        #expect(await strict.outcome(try token(["hd": "example.com"])) == .user("google_42"))
        #expect(await strict.outcome(try token(["hd": "example.org"])) == .unauthorized)
        #expect(await strict.outcome(try token()) == .unauthorized)
        let auth0 = OpenIDProvider(.auth0(domain: "t.example", audiences: ["client"]), connection: connection)
        let login = LoginAttempt(token: try token(["iss": "https://t.example/"]), sessionID: nil, now: now)
        let identity = try await auth0.identity(of: login)
        #expect(identity == VerifiedIdentity(userAuthID: "auth0_42", formerUserAuthID: "a@example.com"))
        #expect(await auth0.outcome(try token()) == .unauthorized)
    }

    @Test("keys are fetched again after 5 minutes, and serve for a day when the provider is down")
    func cache() async throws {
        let provider = provider { $0.maximumAge = nil }
        func outcome(_ after: Int64) async throws -> Outcome {
            await provider.outcome(try token(["exp": now + after + 60]), now: now + after)
        }
        #expect(try await outcome(0) == .user("google_42"))
        #expect(try await outcome(299) == .user("google_42"))
        #expect(connection.count == 1)
        #expect(try await outcome(300) == .user("google_42"))
        #expect(connection.count == 2)
        connection.fail()
        #expect(try await outcome(700) == .user("google_42"))
        #expect(try await outcome(705) == .user("google_42"))
        #expect(connection.count == 3)
        #expect(try await outcome(711) == .user("google_42"))
        #expect(connection.count == 4)
        #expect(try await outcome(300 + 86_399) == .user("google_42"))
        #expect(try await outcome(300 + 86_400) == .unavailable)
        connection.answer(200, try mint.keySet)
        #expect(try await outcome(300 + 86_420) == .user("google_42"))
    }

    @Test("a provider that was never reached is unavailable, and is not asked at every login")
    func unreachable() async throws {
        let provider = provider()
        connection.fail()
        #expect(await provider.outcome(try token()) == .unavailable)
        #expect(await provider.outcome(try token(), now: now + 9) == .unavailable)
        #expect(connection.count == 1)
        for body in [[], Array("{}".utf8), Array(#"{"keys":[]}"#.utf8), Array("<html>".utf8)] {
            connection.answer(200, body)
            let fresh = self.provider()
            #expect(await fresh.outcome(try token()) == .unavailable)
        }
        connection.answer(404, try mint.keySet)
        #expect(await self.provider().outcome(try token()) == .unavailable)
        connection.answer(200, try mint.keySet)
        #expect(await provider.outcome(try token(), now: now + 10) == .user("google_42"))
    }

    @Test("a key id that is not known is asked for once a minute at most")
    func unknownKeys() async throws {
        let provider = provider()
        #expect(await provider.outcome(try token()) == .user("google_42"))
        for second in 1...59 as ClosedRange<Int64> {
            let unknown = try token(keyID: "unknown-\(second)")
            #expect(await provider.outcome(unknown, now: now + second) == .unauthorized)
        }
        #expect(connection.count == 2)
        let rotated = try TestTokenMint(name: "2")
        connection.answer(200, try rotated.keySet)
        let next = try rotated.sign(json(claims))
        #expect(await provider.outcome(next, now: now + 60) == .unauthorized)
        #expect(await provider.outcome(next, now: now + 61) == .user("google_42"))
        #expect(connection.count == 3)
        // What the provider withdrew is no key any more.
        #expect(await provider.outcome(try token(), now: now + 62) == .unauthorized)
    }

    @Test("keys for encryption, short keys and broken keys are left out")
    func keySets() throws {
        func set(_ text: String) -> TokenKeySet? { TokenKeySet(json: Array(text.utf8)) }
        let good = try #require(TokenKeySet(json: mint.keySet))
        #expect(good.keys.count == 3)
        for bad in [
            #"{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}"#,
            #"{"keys":[{"kty":"oct","kid":"a","k":"AQAB"}]}"#,
            #"{"keys":[{"kty":"OKP","kid":"a","crv":"Ed25519","x":"AQAB"}]}"#, #"{"keys":[{}]}"#, #"{"keys":{}}"#,
            #"{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"AQAB","y":"AQAB"}]}"#, "[]", "",
        ] { #expect(set(bad) == nil, "\(bad)") }
        let text = String(decoding: try mint.keySet, as: UTF8.self)
        #expect(set(text.replacing("\"sig\"", with: "\"enc\"")) == nil)
        #expect(set(text.replacing("\"RS256\"", with: "\"RS512\""))?.keys.count == 2)
    }
}
