// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Testing

@testable import IdentityProviders

@Suite("Telegram logins")
struct TelegramTests {
    struct Vector: Decodable {
        struct Expected: Decodable { let result, userIdentifier, ours: String? }
        let note, botToken, bearerJson, dataCheckString: String
        let now: Int64
        let expect: Expected
    }

    private let vectors: [Vector]

    init() throws {
        let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        vectors = try decoder.decode(
            [Vector].self,
            from: Data(contentsOf: folder.appending(path: "telegram_login.json"))
        )
    }

    @Test("the widget's logins end as published")
    func widget() async throws {
        #expect(vectors.count == 11)
        for vector in vectors {
            let provider = TelegramWidgetProvider(botToken: vector.botToken, maximumAge: 86_400)
            let outcome = await provider.outcome(vector.bearerJson, now: vector.now)
            let isGood = (vector.expect.ours ?? vector.expect.result) == "ok"
            #expect(outcome == (isGood ? .user("telegram_424242") : .unauthorized), "\(vector.note)")
        }
    }

    @Test("by default a login is good for 300 seconds, and 30 seconds before its time")
    func age() async throws {
        let vector = try #require(vectors.first)
        let provider = TelegramWidgetProvider(botToken: vector.botToken)
        for (now, isGood) in [
            (1_699_999_969, false), (1_699_999_970, true), (1_700_000_300, true), (1_700_000_301, false),
        ] {
            let outcome = await provider.outcome(vector.bearerJson, now: Int64(now))
            #expect(outcome == (isGood ? .user("telegram_424242") : .unauthorized), "\(now)")
        }
    }

    @Test("no mutation of a login is taken, and nothing crashes")
    func mutations() async throws {
        let vector = try #require(vectors.first)
        let provider = TelegramWidgetProvider(botToken: vector.botToken)
        let good = Array(vector.bearerJson.utf8)
        for index in good.indices {
            var changed = good
            changed[index] ^= 2
            let text = String(decoding: changed, as: UTF8.self)
            #expect(await provider.outcome(text, now: vector.now) == .unauthorized, "\(text)")
            let cut = String(decoding: good.prefix(index), as: UTF8.self)
            #expect(await provider.outcome(cut, now: vector.now) == .unauthorized)
        }
        for text in ["", "{}", "[]", "null", #"{"hash":{}}"#, #"{"id":1.5,"hash":"00"}"#, #"{"hash":null}"#] {
            #expect(await provider.outcome(text, now: vector.now) == .unauthorized)
        }
        let doubled = vector.bearerJson.dropLast() + #","id":"1"}"#
        #expect(await provider.outcome(String(doubled), now: vector.now) == .unauthorized)
    }

    private func launch(_ fields: [(String, String)], key: Curve25519.Signing.PrivateKey, bot: String = "12345") throws
        -> String
    {
        let text =
            "\(bot):WebAppData\n"
            + fields.sorted { $0.0 < $1.0 }.map { "\($0.0)=\($0.1)" }.joined(separator: "\n")
        let signature = Base64.encode(Array(try key.signature(for: Data(text.utf8))), alphabet: .urlSafe, padded: false)
        let all = fields + [("hash", "00"), ("signature", signature)]
        return all.map { name, value in
            let escaped = value.utf8.map { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
                    ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte])
            }
            return name + "=" + escaped.joined()
        }.joined(separator: "&")
    }

    @Test("a name of several lines does not pass for other fields")
    func lines() async throws {
        let token = "123:ABC"
        let provider = TelegramWidgetProvider(botToken: token)
        // What Telegram signs for user 666, who calls himself so.
        let own = ["auth_date": "1700000000", "first_name": "A\nid=123\nj=", "id": "666"]
        let key = SymmetricKey(data: SHA256.hash(data: Array(token.utf8)))
        let text = TelegramWidgetProvider.text(of: own)
        let hash = Hex.encode(Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)))
        // The same text, read as fields of user 123.
        let forged = ["auth_date": "1700000000", "first_name": "A", "id": "123", "j": "\nid=666"]
        #expect(TelegramWidgetProvider.text(of: forged) == text)
        for fields in [own, forged] {
            let json = try JSONEncoder().encode(fields.merging(["hash": hash]) { own, _ in own })
            let outcome = await provider.outcome(String(decoding: json, as: UTF8.self), now: 1_700_000_000)
            #expect(outcome == .unauthorized)
        }
    }

    @Test("launch data of a Mini App is taken when Telegram signed it for this bot, and lately")
    func miniApp() async throws {
        let key = Curve25519.Signing.PrivateKey()
        let public32 = Array(key.publicKey.rawRepresentation)
        let provider = try #require(TelegramMiniAppProvider(botID: "12345", key: public32))
        let fields = [
            ("auth_date", "1700000000"), ("query_id", "AA+ /=&x"), ("user", #"{"id":424242,"first_name":"Zoë"}"#),
        ]
        let good = try launch(fields, key: key)
        #expect(await provider.outcome(good, now: 1_700_000_100) == .user("telegram_424242"))
        #expect(await provider.outcome(good, now: 1_700_000_301) == .unauthorized)
        #expect(await provider.outcome(good, now: 1_699_999_969) == .unauthorized)
        #expect(await provider.outcome(try launch(fields, key: key, bot: "1"), now: 1_700_000_100) == .unauthorized)
        #expect(await provider.outcome(try launch(fields, key: .init()), now: 1_700_000_100) == .unauthorized)
        for changed in [
            good.replacing("424242", with: "424243"), good + "&a=b", good + "&user=x", good + "&", good + "&x",
            good.replacing("%7b", with: "%7"), "", "=", "&", "%",
        ] {
            #expect(await provider.outcome(changed, now: 1_700_000_100) == .unauthorized)
        }
        for user in ["{}", "1", #"{"id":"424242"}"#, #"{"id":-1}"#, #"{"id":1,"id":2}"#] {
            let text = try launch([("auth_date", "1700000000"), ("user", user)], key: key)
            #expect(await provider.outcome(text, now: 1_700_000_100) == .unauthorized, "\(user)")
        }
    }

    @Test("Telegram's own keys are keys, and others are not")
    func keys() throws {
        for text in [TelegramMiniAppProvider.productionKey, TelegramMiniAppProvider.testKey] {
            #expect(TelegramMiniAppProvider(botID: "1", key: try #require(Hex.decode(text))) != nil)
        }
        #expect(TelegramMiniAppProvider(botID: "1", key: [1, 2, 3]) == nil)
    }

    @Test("ways of logging in that were not switched on are refused")
    func switches() async throws {
        let vector = try #require(vectors.first)
        #expect(await TelegramProvider().outcome(vector.bearerJson, now: vector.now) == .unauthorized)
        #expect(await TelegramProvider().outcome("a=b") == .unauthorized)
        #expect(await TelegramProvider().outcome("a.b.c") == .unauthorized)
        let on = TelegramProvider(widget: TelegramWidgetProvider(botToken: vector.botToken))
        #expect(await on.outcome(vector.bearerJson, now: vector.now) == .user("telegram_424242"))
    }
}
