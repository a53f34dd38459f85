// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials

/// Telegram's Login Widget, whose proof every holder of the bot's token can make: off unless the operator wants it.
public struct TelegramWidgetProvider: IdentityProvider {
    /// How far the widget's time may lie in the future, in seconds.
    public static let leeway: Int64 = 30

    private let secret: SymmetricKey
    private let maximumAge: Int64

    /// - Parameter maximumAge: seconds since the login, 1 to 86,400.
    public init(botToken: String, maximumAge: Int64 = 300) {
        secret = SymmetricKey(data: SHA256.hash(data: Array(botToken.utf8)))
        self.maximumAge = min(max(maximumAge, 1), 86_400)
    }

    /// A member's value: a text, or a number in the form it was written.
    private struct Value: Decodable {
        /// `nil` for null.
        let text: String?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                text = nil
            } else if let text = try? container.decode(String.self) {
                self.text = text
            } else {
                text = String(try container.decode(Int64.self))
            }
        }
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        let bytes = Array(login.token.utf8)
        guard StrictJSON.isStrict(bytes), JSONNesting.isShallow(bytes, limit: 1),
            let values = try? JSONDecoder().decode([String: Value].self, from: Data(bytes))
        else { throw .unauthorized("the Telegram login is malformed") }
        let fields = values.compactMapValues(\.text).filter { !$0.value.isEmpty }
        guard let hash = fields["hash"] else { throw .unauthorized("the Telegram login has no hash") }
        guard let given = Hex.decode(hash), given.count == 32, hash == hash.lowercased() else {
            throw .unauthorized("Invalid hash length")
        }
        guard fields.allSatisfy({ Self.isLine(($0.key, $0.value)) }) else {
            throw .unauthorized("the Telegram login is malformed")
        }
        let text = Self.text(of: fields.filter { $0.key != "hash" })
        let expected = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: secret)
        guard constantTimeEqual(Array(expected), given) else { throw .unauthorized("the Telegram login is forged") }
        guard let id = fields["id"], let written = fields["auth_date"], let date = Int64(written) else {
            throw .unauthorized("the Telegram login is incomplete")
        }
        try TelegramLogin.check(date: date, now: login.now, leeway: Self.leeway, maximumAge: maximumAge)
        return VerifiedIdentity(userAuthID: try TelegramLogin.name(id))
    }

    /// Whether a field is one line of the signed text; else a name that someone chose could pass for other fields.
    static func isLine(_ field: (key: String, value: String)) -> Bool {
        !field.key.utf8.contains(UInt8(ascii: "=")) && !(field.key + field.value).utf8.contains { $0 < 0x20 }
    }

    /// `name=value` of all fields, sorted by name, joined by newlines.
    static func text(of fields: [String: String]) -> String {
        fields.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { "\($0.key)=\($0.value)" }
            .joined(separator: "\n")
    }
}

/// Telegram's Mini Apps, whose launch data Telegram signs for everyone to check (Ed25519).
public struct TelegramMiniAppProvider: IdentityProvider {
    /// Telegram's public key for bots in production.
    public static let productionKey = "e7bf03a2fa4602af4580703d88dda5bb59f32ed8b02a56c187fe7d34caed242d"
    /// Telegram's public key for bots in its test environment.
    public static let testKey = "40055058a4ee38156a06562e52eece92a771bcd8346a8c4615cb7376eddf72ec"

    private struct User: Decodable { let id: Int64 }

    private let botID: String
    private let key: Curve25519.Signing.PublicKey
    private let maximumAge: Int64

    /// - Parameters:
    ///   - key: 32 bytes; `nil` comes back for others.
    ///   - maximumAge: seconds since the launch, 1 to 86,400.
    public init?(botID: String, key: [UInt8], maximumAge: Int64 = 300) {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: key) else { return nil }
        self.botID = botID
        self.key = key
        self.maximumAge = min(max(maximumAge, 1), 86_400)
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        guard let fields = QueryText.fields(login.token) else { throw .unauthorized("the launch data is malformed") }
        guard let signature = fields["signature"].flatMap({ Base64.decode($0, alphabet: .urlSafe, padding: .optional) })
        else { throw .unauthorized("the launch data has no signature") }
        let signed = fields.filter { $0.key != "hash" && $0.key != "signature" }
        guard signed.allSatisfy({ TelegramWidgetProvider.isLine(($0.key, $0.value)) }) else {
            throw .unauthorized("the launch data is malformed")
        }
        let text = "\(botID):WebAppData\n" + TelegramWidgetProvider.text(of: signed)
        guard key.isValidSignature(signature, for: Array(text.utf8)) else {
            throw .unauthorized("the launch data is forged, or for another bot")
        }
        guard let date = fields["auth_date"].flatMap({ Int64($0) }), let json = fields["user"].map({ Array($0.utf8) }),
            StrictJSON.isStrict(json), JSONNesting.isShallow(json, limit: 4),
            let user = try? JSONDecoder().decode(User.self, from: Data(json))
        else { throw .unauthorized("the launch data is incomplete") }
        try TelegramLogin.check(
            date: date,
            now: login.now,
            leeway: TelegramWidgetProvider.leeway,
            maximumAge: maximumAge
        )
        return VerifiedIdentity(userAuthID: try TelegramLogin.name(String(user.id)))
    }
}

/// All ways that a node takes Telegram logins in; the token's form tells them apart.
public struct TelegramProvider: IdentityProvider {
    private let widget, miniApp, openID: (any IdentityProvider)?

    public init(
        widget: TelegramWidgetProvider? = nil,
        miniApp: TelegramMiniAppProvider? = nil,
        openID: OpenIDProvider? = nil
    ) {
        self.widget = widget
        self.miniApp = miniApp
        self.openID = openID
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        let provider =
            if login.token.hasPrefix("{") { widget } else if login.token.contains("=") { miniApp } else { openID }
        guard let provider else { throw .unauthorized("this way of logging in with Telegram is not offered") }
        return try await provider.identity(of: login)
    }
}

private enum TelegramLogin {
    static func check(date: Int64, now: Int64, leeway: Int64, maximumAge: Int64) throws(IdentityFailure) {
        guard date >= 0, date <= now + leeway, now - date <= maximumAge else {
            throw .unauthorized("the Telegram login has expired")
        }
    }

    static func name(_ id: String) throws(IdentityFailure) -> String {
        guard (1...20).contains(id.utf8.count), id.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .unauthorized("the Telegram login has no user")
        }
        return "telegram_" + id
    }
}
