// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A provider of OpenID Connect: Google, Auth0, Apple, Telegram, or any other.
///
/// Tokens are verified here, with the provider's published keys; no token ever stands in a URL.
public struct OpenIDProvider: IdentityProvider {
    /// What a provider's tokens have to say.
    public struct Rules: Sendable {
        /// The texts that `iss` may be.
        public var issuers: [String]
        public var keysURL: String
        /// The texts of which `aud` has to name one.
        public var audiences: [String]
        /// Put before `sub`.
        public var prefix: String
        public var algorithms: Set<TokenAlgorithm> = [.rs256]
        /// Whether an address that the provider has verified is asked for.
        public var requiresVerifiedEmail = false
        /// Whether the address alone is the name that older rows have.
        public var isFormerlyKnownByEmail = false
        /// Seconds since `iat` at most; `nil` when `iat` need not be there.
        public var maximumAge: Int64? = 3600
        /// Whether `nonce` has to be the id of the commit-reveal session.
        public var bindsNonce = false
        /// Other claims and the texts they have to be.
        public var requiredClaims: [String: String] = [:]

        public init(issuers: [String], keysURL: String, audiences: [String], prefix: String) {
            self.issuers = issuers
            self.keysURL = keysURL
            self.audiences = audiences
            self.prefix = prefix
        }
    }

    /// How far clocks may be apart, in seconds.
    public static let leeway: Int64 = 30

    private let rules: Rules
    private let keys: TokenKeyCache

    public init(_ rules: Rules, connection: any ProviderConnection) {
        self.rules = rules
        keys = TokenKeyCache(url: rules.keysURL, connection: connection)
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        guard let token = SignedToken(login.token) else { throw .unauthorized("the token is malformed") }
        guard let algorithm = TokenAlgorithm(rawValue: token.algorithm), rules.algorithms.contains(algorithm) else {
            throw .unauthorized("the token is signed with another algorithm")
        }
        guard let keyID = token.keyID else { throw .unauthorized("the token does not name its key") }
        let key = try await keys.key(keyID, algorithm, now: login.now)
        guard key.isValid(token.signature, for: token.signedText) else {
            throw .unauthorized("the token's signature is wrong")
        }
        guard let claims = try? JSONDecoder().decode(TokenClaims.self, from: Data(token.claims)) else {
            throw .unauthorized("the token's claims are incomplete")
        }
        try check(claims, login)
        return try identity(claims)
    }

    private func check(_ claims: TokenClaims, _ login: LoginAttempt) throws(IdentityFailure) {
        guard rules.issuers.contains(claims.issuer) else { throw .unauthorized("the token is another issuer's") }
        guard claims.audiences.contains(where: rules.audiences.contains) else {
            throw .unauthorized("the token is for another application")
        }
        guard let expiresAt = claims.expiresAt, login.now < expiresAt + Self.leeway else {
            throw .unauthorized("the token has expired")
        }
        if let notBefore = claims.notBefore, login.now < notBefore - Self.leeway {
            throw .unauthorized("the token is not valid yet")
        }
        if let issuedAt = claims.issuedAt, login.now < issuedAt - Self.leeway {
            throw .unauthorized("the token was issued in the future")
        }
        if let maximumAge = rules.maximumAge {
            guard let issuedAt = claims.issuedAt, login.now - issuedAt <= maximumAge + Self.leeway else {
                throw .unauthorized("the token is too old: log in again")
            }
        }
        if rules.bindsNonce {
            guard let session = login.sessionID, claims.nonce == session else {
                throw .unauthorized("the token's nonce is not the session's id")
            }
        }
        for (name, value) in rules.requiredClaims where claims.texts[name] != value {
            throw .unauthorized("the token lacks a claim")
        }
        if rules.requiresVerifiedEmail {
            guard claims.email?.isEmpty == false, claims.isEmailVerified else {
                throw .unauthorized("the email address is not verified")
            }
        }
    }

    private func identity(_ claims: TokenClaims) throws(IdentityFailure) -> VerifiedIdentity {
        let name = rules.prefix + claims.subject
        guard !claims.subject.isEmpty, name.utf8.count <= 255, !name.utf8.contains(0) else {
            throw .unauthorized("the token's subject is out of range")
        }
        let former = rules.isFormerlyKnownByEmail ? claims.email : nil
        return VerifiedIdentity(userAuthID: name, formerUserAuthID: former)
    }
}

extension OpenIDProvider.Rules {
    /// Google's ID tokens for some client ids.
    public static func google(
        audiences: [String],
        keysURL: String = "https://www.googleapis.com/oauth2/v3/certs"
    ) -> Self {
        var rules = Self(
            issuers: ["https://accounts.google.com", "accounts.google.com"],
            keysURL: keysURL,
            audiences: audiences,
            prefix: "google_"
        )
        rules.requiresVerifiedEmail = true
        return rules
    }

    /// The tokens of a tenant of Auth0.
    public static func auth0(domain: String, audiences: [String], keysURL: String? = nil) -> Self {
        var rules = Self(
            issuers: ["https://\(domain)/"],
            keysURL: keysURL ?? "https://\(domain)/.well-known/jwks.json",
            audiences: audiences,
            prefix: "auth0_"
        )
        rules.requiresVerifiedEmail = true
        rules.isFormerlyKnownByEmail = true
        return rules
    }

    /// Telegram's ID tokens for a bot.
    public static func telegram(
        botID: String,
        keysURL: String = "https://oauth.telegram.org/.well-known/jwks.json"
    ) -> Self {
        Self(issuers: ["https://oauth.telegram.org"], keysURL: keysURL, audiences: [botID], prefix: "telegram_")
    }
}
