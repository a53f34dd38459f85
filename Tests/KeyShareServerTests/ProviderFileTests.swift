// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import IdentityProviders
import IdentityTestIssuer
import Testing

@testable import KeyShareServer

@Suite("The file of login providers")
struct ProviderFileTests {
    /// Serves one document.
    private struct OnePage: ProviderConnection {
        let page: [UInt8]

        func get(_ url: String, bearer: String?) async throws(IdentityFailure) -> ProviderAnswer {
            ProviderAnswer(status: 200, body: page)
        }

        func post(
            _ url: String,
            form: [(name: String, value: String)],
            user: String,
            password: String
        ) async throws(IdentityFailure) -> ProviderAnswer { ProviderAnswer(status: 404, body: []) }
    }

    private struct NoPasskeys: PasskeyKeys {
        func key(of userAuthID: String) async throws(IdentityFailure) -> [UInt8]? { nil }
    }

    private func surroundings(_ page: [UInt8] = []) -> ProviderFile.Surroundings {
        .init(connection: OnePage(page: page), passkeys: NoPasskeys()) { $0 == "/secret" ? "s" : nil }
    }

    private func problems(_ json: String, _ telegram: ProviderFile.Telegram = .init()) -> [String] {
        do throws(ProviderFile.Invalid) {
            _ = try ProviderFile(json: Array(json.utf8)).providers(surroundings(), telegram: telegram)
            return []
        } catch { return error.problems }
    }

    @Test("the documented example is read, with every kind of provider")
    func example() throws {
        let json = """
            {"google":{"audiences":["a"]},"auth0":{"domain":"t.eu.auth0.com","audiences":["a"]},"apple":{"audiences":["a"]},
            "discord":{"application_id":"1"},"telegram":{"bot_id":"12"},
            "company":{"issuers":["https://login.example"],"keys_url":"https://login.example/jwks","audiences":["w"]},
            "webauthn":{"relying_party":"w.example","origins":["https://w.example"]},"nostr":{"urls":["https://n.example/"]},
            "x":{"enabled":true,"client_id":"c","client_secret_file":"/secret","redirect_uris":["https://w.example/"]}}
            """
        let providers = try ProviderFile(json: Array(json.utf8)).providers(surroundings())
        #expect(
            providers.keys.sorted() == [
                "apple", "auth0", "company", "discord", "google", "nostr", "telegram", "webauthn", "x",
            ]
        )
    }

    @Test(
        "what would leave a check out is refused, with the provider's name",
        arguments: [
            #"{"google":{}}"#, #"{"google":{"audiences":[]}}"#, #"{"google":{"audience":["a"]}}"#,
            #"{"google":{"audiences":["a"],"algorithms":["none"]}}"#,
            #"{"google":{"audiences":["a"],"algorithms":["HS256"]}}"#,
            #"{"google":{"audiences":["a"],"algorithms":[]}}"#,
            #"{"google":{"audiences":["a"],"keys_url":"http://keys.example/jwks"}}"#,
            #"{"google":{"audiences":["a"],"max_age_s":-1}}"#, #"{"google":{"audiences":"a"}}"#,
            #"{"company":{"audiences":["a"],"keys_url":"https://k.example/jwks"}}"#, #"{"company":{"type":"ldap"}}"#,
            #"{"x":{"client_id":"c","client_secret_file":"/secret","redirect_uris":["https://w.example/"]}}"#,
            #"{"x":{"enabled":true,"client_id":"c","client_secret_file":"/other","redirect_uris":["https://w.example/"]}}"#,
            #"{"telegram":{}}"#, #"{"telegram":{"bot_id":"12","mini_app_key":"00"}}"#, #"{"discord":{}}"#,
            #"{"Google":{"audiences":["a"]}}"#, #"{"google":{"audiences":["a"]},"google":{"audiences":["b"]}}"#, "[]",
            "", "{",
        ]
    )
    func refused(_ json: String) {
        #expect(!problems(json).isEmpty)
    }

    @Test("all problems are said at once")
    func together() {
        #expect(problems(#"{"google":{},"discord":{},"telegram":{}}"#).count == 3)
    }

    @Test("Telegram is on with the bot's token alone, and the widget only when it is wanted")
    func telegram() async throws {
        var telegram = ProviderFile.Telegram()
        let none = try ProviderFile().providers(surroundings(), telegram: telegram)
        #expect(none.isEmpty)
        telegram.botToken = "12:secret"
        let providers = try ProviderFile().providers(surroundings(), telegram: telegram)
        let provider = try #require(providers["telegram"])
        let widget = LoginAttempt(token: #"{"id":1,"auth_date":1,"hash":"00"}"#, sessionID: nil, now: 1)
        await #expect(throws: IdentityFailure.unauthorized("this way of logging in with Telegram is not offered")) {
            try await provider.identity(of: widget)
        }
        telegram.botToken = nil
        telegram.takesWidget = true
        #expect(problems(#"{"telegram":{"bot_id":"12"}}"#, telegram).count == 1)
    }

    @Test("a provider of the file verifies tokens of its issuer, for its audience, under its prefix")
    func verification() async throws {
        let mint = try TestTokenMint()
        let json =
            #"{"company":{"issuers":["i"],"keys_url":"https://k.example/jwks","audiences":["w"],"max_age_s":0,"required_claims":{"hd":"example.com"}}}"#
        let providers = try ProviderFile(json: Array(json.utf8)).providers(surroundings(try mint.keySet))
        let provider = try #require(providers["company"])
        func login(_ claims: String) throws -> LoginAttempt {
            LoginAttempt(token: try mint.sign(Array(claims.utf8)), sessionID: nil, now: 1000)
        }
        let good = try login(#"{"iss":"i","aud":"w","sub":"7","exp":2000,"hd":"example.com"}"#)
        let identity = try await provider.identity(of: good)
        #expect(identity.userAuthID == "company_7")
        for claims in [
            #"{"iss":"j","aud":"w","sub":"7","exp":2000,"hd":"example.com"}"#,
            #"{"iss":"i","aud":"v","sub":"7","exp":2000,"hd":"example.com"}"#,
            #"{"iss":"i","aud":"w","sub":"7","exp":2000,"hd":"other.com"}"#,
            #"{"iss":"i","aud":"w","sub":"7","exp":900,"hd":"example.com"}"#,
        ] {
            let bad = try login(claims)
            await #expect(throws: IdentityFailure.self) { try await provider.identity(of: bad) }
        }
    }
}
