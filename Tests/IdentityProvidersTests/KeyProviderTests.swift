// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import LightningPrimitives
import Nostr
import Secp256k1
import Testing

@testable import IdentityProviders

@Suite("Logins by keys")
struct KeyProviderTests {
    /// A store of passkeys.
    struct Keys: PasskeyKeys {
        var known: [String: [UInt8]] = [:]

        func key(of userAuthID: String) async throws(IdentityFailure) -> [UInt8]? { known[userAuthID] }
    }

    private let id = [UInt8](repeating: 7, count: 20)
    private let session = "550e8400-e29b-41d4-a716-446655440000"
    private var name: String { "webauthn_" + text(id) }

    private func text(_ bytes: some Collection<UInt8>) -> String {
        Base64.encode(bytes, alphabet: .urlSafe, padded: false)
    }

    private func passkeys(_ known: [String: [UInt8]] = [:]) -> PasskeyProvider {
        PasskeyProvider(relyingParty: "wallet.example", origins: ["https://wallet.example"], keys: Keys(known: known))
    }

    private struct Options {
        var challenge: String?
        var type = "webauthn.get"
        var origin = "https://wallet.example"
        var relyingParty = "wallet.example"
        var flags: UInt8 = 0x05
        var publicKey: [UInt8]?
        var id: [UInt8]?
    }

    private func assertion(_ options: Options, sign: ([UInt8]) throws -> [UInt8]) throws -> String {
        let client = try json([
            "type": options.type, "challenge": text(Array((options.challenge ?? session).utf8)),
            "origin": options.origin, "crossOrigin": false,
        ])
        let data = Array(SHA256.hash(data: Array(options.relyingParty.utf8))) + [options.flags, 0, 0, 0, 1]
        var members: [String: Any] = [
            "id": text(options.id ?? id), "client_data": text(client), "authenticator_data": text(data),
            "signature": text(try sign(data + Array(SHA256.hash(data: client)))),
        ]
        if let key = options.publicKey { members["public_key"] = text(key) }
        return String(decoding: try json(members), as: UTF8.self)
    }

    @Test("a new passkey of P-256 gives its key, and is known by it from then on")
    func p256() async throws {
        let key = P256.Signing.PrivateKey()
        let der = Array(key.publicKey.derRepresentation)
        func token(_ change: (inout Options) -> Void = { _ in }) throws -> String {
            var options = Options()
            change(&options)
            return try assertion(options) { Array(try key.signature(for: SHA256.hash(data: $0)).derRepresentation) }
        }
        #expect(await passkeys().outcome(try token(), session: session) == .unauthorized)
        let first = try token { $0.publicKey = der }
        let identity = try await passkeys().identity(of: LoginAttempt(token: first, sessionID: session, now: 0))
        #expect(identity == VerifiedIdentity(userAuthID: name, passkeyKey: der))
        let known = passkeys([name: der])
        #expect(await known.outcome(try token(), session: session) == .user(name))
        let again = try await known.identity(of: LoginAttempt(token: first, sessionID: session, now: 0))
        #expect(again.passkeyKey == der)
        for change in [
            { $0.challenge = "another" }, { $0.type = "webauthn.create" }, { $0.origin = "https://evil.example" },
            { $0.relyingParty = "evil.example" }, { $0.flags = 0x01 }, { $0.flags = 0x04 }, { $0.id = [1] },
            { $0.id = [UInt8](repeating: 1, count: 181) },
        ] as [(inout Options) -> Void] {
            #expect(await known.outcome(try token(change), session: session) == .unauthorized)
        }
        #expect(await known.outcome(try token(), session: nil) == .unauthorized)
        #expect(await known.outcome(try token(), session: UUID().uuidString) == .unauthorized)
    }

    @Test("whoever sends another key with a known passkey's id is refused")
    func takeover() async throws {
        let (owner, thief) = (Curve25519.Signing.PrivateKey(), Curve25519.Signing.PrivateKey())
        let known = passkeys([name: Array(owner.publicKey.rawRepresentation)])
        var options = Options()
        options.publicKey = Array(thief.publicKey.rawRepresentation)
        let forged = try assertion(options) { Array(try thief.signature(for: $0)) }
        #expect(await known.outcome(forged, session: session) == .unauthorized)
        let own = try assertion(Options()) { Array(try owner.signature(for: $0)) }
        #expect(await known.outcome(own, session: session) == .user(name))
        for index in own.utf8.indices.enumerated().filter({ $0.offset.isMultiple(of: 5) }).map(\.element) {
            let cut = String(own[..<index])
            #expect(await known.outcome(cut, session: session) == .unauthorized)
        }
    }

    @Test("a key of Nostr logs in with an event for this node, within a minute and in a session")
    func nostr() async throws {
        let key = SecretKey.random()
        let provider = NostrProvider(urls: ["https://ks.example/keyshare/v3/"])
        func token(_ url: String = "https://ks.example/keyshare/v3/", at time: Int64 = 1_700_000_000) -> String {
            let unsigned = HTTPAuthorization.event(
                key: NostrKey(key),
                url: url,
                body: nil,
                createdAt: time
            )
            return String(HTTPAuthorization.header(unsigned.signed(by: key)).dropFirst("Nostr ".count))
        }
        let name = "nostr_" + Hex.encode(key.publicKey.xOnly)
        #expect(await provider.outcome(token()) == .user(name))
        #expect(await provider.outcome(token(), session: nil) == .unauthorized)
        #expect(await provider.outcome(token("https://other.example/keyshare/v3/")) == .unauthorized)
        #expect(await provider.outcome(token(), now: 1_700_000_061) == .unauthorized)
        for text in ["", "x", "e30=", "e30="] { #expect(await provider.outcome(text) == .unauthorized) }
    }

    @Test("types of login that are not offered, and long tokens, are refused")
    func directory() async throws {
        let directory = IdentityDirectory(["nostr": NostrProvider(urls: [])])
        #expect(directory.authTypes == ["nostr"])
        for type in ["x", "google", "", "no\nstr"] {
            await #expect(throws: IdentityFailure.self) {
                try await directory.identity(authType: type, of: LoginAttempt(token: "t", sessionID: nil, now: 0))
            }
        }
        let long = LoginAttempt(token: String(repeating: "x", count: 16_385), sessionID: "s", now: 0)
        await #expect(throws: IdentityFailure.unauthorized("the token is too long")) {
            try await directory.identity(authType: "nostr", of: long)
        }
    }
}
