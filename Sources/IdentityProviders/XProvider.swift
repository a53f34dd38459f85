// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import DequeModule
internal import FoundationEssentials
internal import Synchronization

/// Logins with X: the token is a code that X gave to our own application, which the node exchanges itself.
///
/// ```
/// {"code":TEXT,"code_verifier":TEXT,"redirect_uri":TEXT}
/// ```
///
/// An access token would do for any application that someone ever logged in to, so none is taken. A code works once; what it
/// gave is remembered for the calls of its session.
public final class XProvider: IdentityProvider {
    private struct Login: Decodable {
        let code, verifier, redirectURI: String

        enum CodingKeys: String, CodingKey {
            case code
            case verifier = "code_verifier"
            case redirectURI = "redirect_uri"
        }
    }

    private struct Grant: Decodable {
        let accessToken: String

        enum CodingKeys: String, CodingKey { case accessToken = "access_token" }
    }

    private struct Answer: Decodable {
        struct User: Decodable { let id: String }
        let data: User
    }

    /// A code within its session.
    private struct Exchange: Hashable {
        let session: String
        let tokenHash: [UInt8]
    }

    private struct Known {
        var identities: [Exchange: VerifiedIdentity] = [:]
        var byAge: Deque<(exchange: Exchange, expiry: Int64)> = []
    }

    /// How long what a code gave is remembered, in seconds: as long as a session lives.
    public static let memory: Int64 = 300
    /// How many codes are remembered at most; beyond, new logins are refused until older ones are forgotten.
    public static let capacity = 10_000

    private let clientID: String
    private let clientSecret: String
    private let redirectURIs: [String]
    private let baseURL: String
    private let connection: any ProviderConnection
    private let known = Mutex(Known())

    /// - Parameters:
    ///   - redirectURIs: those that our application may have used.
    ///   - baseURL: without a slash at the end.
    public init(
        clientID: String,
        clientSecret: String,
        redirectURIs: [String],
        baseURL: String = "https://api.x.com",
        connection: any ProviderConnection
    ) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.redirectURIs = redirectURIs
        self.baseURL = baseURL
        self.connection = connection
    }

    public func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        guard let session = login.sessionID else { throw .unauthorized("logins with X need a session") }
        let json = Array(login.token.utf8)
        let exchange = Exchange(session: session, tokenHash: Array(SHA256.hash(data: json)))
        if let identity = try remembered(exchange, now: login.now) { return identity }
        guard StrictJSON.isStrict(json), JSONNesting.isShallow(json, limit: 1),
            let code = try? JSONDecoder().decode(Login.self, from: Data(json))
        else { throw .unauthorized("the login with X is malformed") }
        guard redirectURIs.contains(code.redirectURI) else {
            throw .unauthorized("the code was given to another page")
        }
        let identity = try await user(of: code)
        remember(identity, for: exchange, now: login.now)
        return identity
    }

    private func user(of code: Login) async throws(IdentityFailure) -> VerifiedIdentity {
        let fields = [
            ("grant_type", "authorization_code"), ("code", code.code), ("code_verifier", code.verifier),
            ("redirect_uri", code.redirectURI), ("client_id", clientID),
        ]
        let granted = try await connection.post(
            baseURL + "/2/oauth2/token",
            form: fields,
            user: clientID,
            password: clientSecret
        )
        guard granted.status == 200, let grant = try? JSONDecoder().decode(Grant.self, from: Data(granted.body)) else {
            throw .unauthorized("X does not know the code, or it was used before")
        }
        let reply = try await connection.get(baseURL + "/2/users/me", bearer: grant.accessToken)
        guard reply.status == 200, let answer = try? JSONDecoder().decode(Answer.self, from: Data(reply.body)),
            (1...64).contains(answer.data.id.utf8.count),
            answer.data.id.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { throw .unauthorized("X does not say who the user is") }
        return VerifiedIdentity(userAuthID: "x_" + answer.data.id)
    }

    private func remembered(_ exchange: Exchange, now: Int64) throws(IdentityFailure) -> VerifiedIdentity? {
        try known.withLock { known throws(IdentityFailure) in
            while let oldest = known.byAge.first, oldest.expiry <= now {
                known.identities[oldest.exchange] = nil
                known.byAge.removeFirst()
            }
            if let identity = known.identities[exchange] { return identity }
            guard known.byAge.count < Self.capacity else { throw .unavailable("too many logins with X: try again") }
            return nil
        }
    }

    private func remember(_ identity: VerifiedIdentity, for exchange: Exchange, now: Int64) {
        known.withLock { known in
            guard known.identities.updateValue(identity, forKey: exchange) == nil else { return }
            known.byAge.append((exchange, now + Self.memory))
        }
    }
}
