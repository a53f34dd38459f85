// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import IdentityProviders

/// One provider in the file.
struct ProviderEntry: Sendable, Decodable {
    /// What is wrong with it.
    struct Problem: Error {
        let text: String
    }

    var type: String?
    var enabled: Bool?
    // OpenID Connect
    var issuers: [String]?
    var keysURL: String?
    var audiences: [String]?
    var prefix: String?
    var algorithms: [String]?
    var requiresVerifiedEmail: Bool?
    var maximumAge: Int64?
    var bindsNonce: Bool?
    var requiredClaims: [String: String]?
    var domain: String?
    // Discord, X
    var applicationID: String?
    var baseURL: String?
    var clientID: String?
    var clientSecretFile: String?
    var redirectURIs: [String]?
    // Telegram
    var botID: String?
    var openID: Bool?
    var miniApp: Bool?
    var miniAppKey: String?
    // Passkeys and Nostr
    var relyingParty: String?
    var origins: [String]?
    var urls: [String]?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case type, enabled, issuers, audiences, prefix, algorithms, domain, origins, urls
        case keysURL = "keys_url"
        case requiresVerifiedEmail = "requires_verified_email"
        case maximumAge = "max_age_s"
        case bindsNonce = "binds_nonce"
        case requiredClaims = "required_claims"
        case applicationID = "application_id"
        case baseURL = "base_url"
        case clientID = "client_id"
        case clientSecretFile = "client_secret_file"
        case redirectURIs = "redirect_uris"
        case botID = "bot_id"
        case openID = "openid"
        case miniApp = "mini_app"
        case miniAppKey = "mini_app_key"
        case relyingParty = "relying_party"
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init() {}

    init(from decoder: any Decoder) throws {
        // A misspelt member would leave a check out without a word.
        let names = try decoder.container(keyedBy: AnyKey.self).allKeys
        if let unknown = names.first(where: { CodingKeys(rawValue: $0.stringValue) == nil }) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath + [unknown],
                    debugDescription: "unknown; there are: "
                        + CodingKeys.allCases.map(\.rawValue).sorted().joined(separator: ", ")
                )
            )
        }
        let values = try decoder.container(keyedBy: CodingKeys.self)
        type = try values.decodeIfPresent(String.self, forKey: .type)
        enabled = try values.decodeIfPresent(Bool.self, forKey: .enabled)
        issuers = try values.decodeIfPresent([String].self, forKey: .issuers)
        keysURL = try values.decodeIfPresent(String.self, forKey: .keysURL)
        audiences = try values.decodeIfPresent([String].self, forKey: .audiences)
        prefix = try values.decodeIfPresent(String.self, forKey: .prefix)
        algorithms = try values.decodeIfPresent([String].self, forKey: .algorithms)
        requiresVerifiedEmail = try values.decodeIfPresent(Bool.self, forKey: .requiresVerifiedEmail)
        maximumAge = try values.decodeIfPresent(Int64.self, forKey: .maximumAge)
        bindsNonce = try values.decodeIfPresent(Bool.self, forKey: .bindsNonce)
        requiredClaims = try values.decodeIfPresent([String: String].self, forKey: .requiredClaims)
        domain = try values.decodeIfPresent(String.self, forKey: .domain)
        applicationID = try values.decodeIfPresent(String.self, forKey: .applicationID)
        baseURL = try values.decodeIfPresent(String.self, forKey: .baseURL)
        clientID = try values.decodeIfPresent(String.self, forKey: .clientID)
        clientSecretFile = try values.decodeIfPresent(String.self, forKey: .clientSecretFile)
        redirectURIs = try values.decodeIfPresent([String].self, forKey: .redirectURIs)
        botID = try values.decodeIfPresent(String.self, forKey: .botID)
        openID = try values.decodeIfPresent(Bool.self, forKey: .openID)
        miniApp = try values.decodeIfPresent(Bool.self, forKey: .miniApp)
        miniAppKey = try values.decodeIfPresent(String.self, forKey: .miniAppKey)
        relyingParty = try values.decodeIfPresent(String.self, forKey: .relyingParty)
        origins = try values.decodeIfPresent([String].self, forKey: .origins)
        urls = try values.decodeIfPresent([String].self, forKey: .urls)
    }

    /// Makes the provider of an `auth_type`.
    func provider(
        named name: String,
        _ surroundings: ProviderFile.Surroundings,
        telegram settings: ProviderFile.Telegram
    ) throws(Problem) -> any IdentityProvider {
        let known = ["google", "auth0", "apple", "discord", "x", "telegram", "webauthn", "nostr"]
        switch type ?? (known.contains(name) ? name : "oidc") {
        case "google":
            return try openID(.google(audiences: try needed(audiences, "audiences")), surroundings)
        case "auth0":
            let domain = try needed(domain, "domain")
            return try openID(.auth0(domain: domain, audiences: try needed(audiences, "audiences")), surroundings)
        case "apple":
            let rules = OpenIDProvider.Rules(
                issuers: ["https://appleid.apple.com"],
                keysURL: "https://appleid.apple.com/auth/keys",
                audiences: try needed(audiences, "audiences"),
                prefix: "apple_"
            )
            return try openID(rules, surroundings)
        case "oidc":
            let rules = OpenIDProvider.Rules(
                issuers: try needed(issuers, "issuers"),
                keysURL: try needed(keysURL, "keys_url"),
                audiences: try needed(audiences, "audiences"),
                prefix: prefix ?? name + "_"
            )
            return try openID(rules, surroundings)
        case "discord":
            return DiscordProvider(
                applicationID: try needed(applicationID, "application_id"),
                baseURL: try checked(baseURL ?? "https://discord.com"),
                connection: surroundings.connection
            )
        case "x": return try x(surroundings)
        case "telegram": return try telegram(surroundings, settings)
        case "webauthn":
            return PasskeyProvider(
                relyingParty: try needed(relyingParty, "relying_party"),
                origins: try needed(origins, "origins"),
                keys: surroundings.passkeys
            )
        case "nostr": return NostrProvider(urls: try needed(urls, "urls"))
        case let other:
            throw Problem(text: "'\(other)' is no type; there are: oidc, \(known.joined(separator: ", "))")
        }
    }

    private func openID(
        _ rules: OpenIDProvider.Rules,
        _ surroundings: ProviderFile.Surroundings
    ) throws(Problem) -> OpenIDProvider {
        var rules = rules
        if let issuers { rules.issuers = try needed(issuers, "issuers") }
        rules.keysURL = try checked(keysURL ?? rules.keysURL)
        if let prefix { rules.prefix = prefix }
        if let requiresVerifiedEmail { rules.requiresVerifiedEmail = requiresVerifiedEmail }
        if let bindsNonce { rules.bindsNonce = bindsNonce }
        if let requiredClaims { rules.requiredClaims = requiredClaims }
        if let maximumAge {
            guard maximumAge >= 0 else { throw Problem(text: "max_age_s is negative") }
            rules.maximumAge = maximumAge == 0 ? nil : maximumAge
        }
        if let algorithms {
            let names = TokenAlgorithm.allCases.map(\.rawValue).joined(separator: ", ")
            rules.algorithms = []
            for name in try needed(algorithms, "algorithms") {
                guard let algorithm = TokenAlgorithm(rawValue: name) else {
                    throw Problem(text: "'\(name)' is no algorithm; there are: \(names)")
                }
                rules.algorithms.insert(algorithm)
            }
        }
        guard rules.prefix.utf8.count <= 64 else { throw Problem(text: "prefix has more than 64 bytes") }
        return OpenIDProvider(rules, connection: surroundings.connection)
    }

    /// Off unless it is said in so many words: it needs our own confidential client.
    private func x(_ surroundings: ProviderFile.Surroundings) throws(Problem) -> XProvider {
        guard enabled == true else { throw Problem(text: "logins with X are off; \"enabled\": true switches them on") }
        let path = try needed(clientSecretFile, "client_secret_file")
        guard let secret = surroundings.secret(path), !secret.isEmpty else {
            throw Problem(text: "client_secret_file \(path) cannot be read, or others can read it")
        }
        return XProvider(
            clientID: try needed(clientID, "client_id"),
            clientSecret: secret,
            redirectURIs: try needed(redirectURIs, "redirect_uris"),
            baseURL: try checked(baseURL ?? "https://api.x.com"),
            connection: surroundings.connection
        )
    }

    /// All ways of Telegram that this node takes.
    func telegram(
        _ surroundings: ProviderFile.Surroundings,
        _ settings: ProviderFile.Telegram
    ) throws(Problem) -> TelegramProvider {
        guard let bot = botID ?? settings.botID, !bot.isEmpty, bot.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw Problem(text: "bot_id is missing; it is the number before the colon of TELEGRAM_BOT_TOKEN") }
        let key =
            switch miniAppKey ?? "production" {
            case "production": TelegramMiniAppProvider.productionKey
            case "test": TelegramMiniAppProvider.testKey
            case let hex: hex
            }
        var miniAppProvider: TelegramMiniAppProvider?
        if miniApp ?? true {
            miniAppProvider = Hex.decode(key).flatMap {
                TelegramMiniAppProvider(botID: bot, key: $0, maximumAge: settings.maximumAge)
            }
            guard miniAppProvider != nil else {
                throw Problem(text: "mini_app_key is production, test or 64 hex digits")
            }
        }
        let widget =
            settings.takesWidget
            ? settings.botToken.map { TelegramWidgetProvider(botToken: $0, maximumAge: settings.maximumAge) } : nil
        guard !settings.takesWidget || widget != nil else {
            throw Problem(text: "KS_TELEGRAM_HMAC needs TELEGRAM_BOT_TOKEN")
        }
        let openIDProvider = openID ?? true ? try openID(.telegram(botID: bot), surroundings) : nil
        return TelegramProvider(widget: widget, miniApp: miniAppProvider, openID: openIDProvider)
    }

    // MARK: Members

    private func needed<Value>(_ value: Value?, _ name: String) throws(Problem) -> Value {
        guard let value else { throw Problem(text: "\(name) is missing") }
        return value
    }

    private func needed(_ values: [String]?, _ name: String) throws(Problem) -> [String] {
        guard let values, !values.isEmpty, !values.contains("") else {
            throw Problem(text: "\(name) is missing or empty")
        }
        return values
    }

    /// Keys that come over plain HTTP are anybody's; on the loopback they are for development.
    private func checked(_ url: String) throws(Problem) -> String {
        let parts = URLComponents(string: url)
        let isLoopback = ["127.0.0.1", "localhost", "[::1]", "::1"].contains(parts?.host ?? "")
        guard parts?.scheme == "https" || (parts?.scheme == "http" && isLoopback), parts?.host?.isEmpty == false,
            parts?.user == nil, !url.hasSuffix("/")
        else { throw Problem(text: "'\(url)' is not a URL of https") }
        return url
    }
}
