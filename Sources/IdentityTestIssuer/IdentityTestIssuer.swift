// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
public import Logging
internal import NIOCore
public import ServiceLifecycle
internal import Synchronization

/// A login provider that gives a token for any name to anyone who asks: for development and tests, on the loopback only.
///
/// - `POST /mint` `{"sub","email",...}` answers `{"id_token"}`; given members override the claims, `null` leaves one out,
///   and `"alg"` and `"kid"` go into the header.
/// - `GET /jwks`, `/.well-known/openid-configuration`, `/tokeninfo?id_token=`: as Google's.
/// - `GET /api/oauth2/@me`, `/api/users/@me`: as Discord's, for tokens that `POST /mint/discord` `{"id","application"?,
///   "scopes"?,"expires_in"?}` gave.
/// - `POST /2/oauth2/token` and `GET /2/users/me`: as X's, for the codes `code-` and a number, each once.
public struct IdentityTestIssuer: Service {
    /// The application that tokens of Discord are for when the request names none.
    public static let application = "100200300400500600"
    /// The audience of ID tokens when the request names none.
    public static let audience = "assay-development"

    private let mint: TestTokenMint
    private let port: Int
    private let logger: Logger
    private let onStart: @Sendable (Int) -> Void
    private let clock: @Sendable () -> Int64

    /// - Parameters:
    ///   - port: 0 for any; `onStart` is told which.
    ///   - clock: Unix seconds; the system's when it is `nil`.
    public init(
        port: Int = 0,
        logger: Logger,
        clock: (@Sendable () -> Int64)? = nil,
        onStart: @escaping @Sendable (Int) -> Void
    ) throws {
        mint = try TestTokenMint()
        self.port = port
        self.logger = logger
        self.clock = clock ?? { Int64(Date().timeIntervalSince1970) }
        self.onStart = onStart
    }

    /// Serves until the service group ends.
    public func run() async throws {
        let started = onStart
        let address = IssuerAddress()
        let application = Application(
            router: router(address),
            configuration: .init(address: .hostname("127.0.0.1", port: port), serverName: nil),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                address.set("http://127.0.0.1:\(port)")
                started(port)
            },
            logger: logger
        )
        try await application.run()
    }

    private func router(_ address: IssuerAddress) -> Router<BasicRequestContext> {
        let (router, mint, clock, grants) = (Router(), mint, clock, AccessGrants())
        router.get("/jwks") { _, _ in Response(json: try mint.keySet) }
        router.get("/.well-known/openid-configuration") { _, _ in
            let issuer = address.text
            return Response(json: try encode(["issuer": issuer, "jwks_uri": issuer + "/jwks"]))
        }
        router.post("/mint") { request, _ in
            let given = try await members(request)
            return Response(json: try encode(["id_token": try token(mint, given, issuer: address.text, now: clock())]))
        }
        router.get("/tokeninfo") { request, _ in
            guard let token = request.uri.queryParameters["id_token"],
                let claims = token.split(separator: ".").dropFirst().first.map(String.init),
                let json = Base64.decode(claims, alphabet: .urlSafe, padding: .forbidden)
            else { return Response(status: .badRequest) }
            return Response(json: json)
        }
        router.post("/mint/discord") { request, _ in
            let token = grants.add(try await members(request), now: clock())
            return Response(json: try encode(["access_token": token]))
        }
        router.get("/api/oauth2/@me") { request, _ in
            guard let grant = grants.grant(bearer(request)) else { return Response(status: .unauthorized) }
            return Response(json: try JSONEncoder().encode(grant))
        }
        router.get("/api/users/@me") { request, _ in
            guard let grant = grants.grant(bearer(request)), case .object(let members) = grant,
                let user = members["user"]
            else { return Response(status: .unauthorized) }
            return Response(json: try JSONEncoder().encode(user))
        }
        router.post("/2/oauth2/token") { request, _ in
            // A code is good for one token, and says whom it is for: `code-` and the id.
            let body = try await request.body.collect(upTo: 65_536)
            let form = String(decoding: body.readableBytesView, as: UTF8.self).split(separator: "&")
            guard let code = form.first(where: { $0.hasPrefix("code=code-") })?.dropFirst("code=code-".count),
                let token = grants.exchange(String(code), now: clock())
            else { return Response(status: .badRequest) }
            return Response(json: try encode(["access_token": token]))
        }
        router.get("/2/users/me") { request, _ in
            guard let grant = grants.grant(bearer(request)), case .object(let members) = grant,
                let user = members["user"]
            else { return Response(status: .unauthorized) }
            return Response(json: try JSONEncoder().encode(["data": user]))
        }
        return router
    }
}

/// Where the issuer is, once it is known.
private final class IssuerAddress: Sendable {
    private let address = Mutex("")

    var text: String { address.withLock { $0 } }

    func set(_ text: String) { address.withLock { $0 = text } }
}

/// The access tokens that were given.
private final class AccessGrants: Sendable {
    private let grants = Mutex<[String: JSONValue]>([:])
    private let used = Mutex<Set<String>>([])

    func add(_ given: [String: JSONValue], now: Int64) -> String {
        var lifetime: Int64 = 3600
        if case .integer(let seconds)? = given["expires_in"] { lifetime = seconds }
        let expires = Date(timeIntervalSince1970: Double(now + lifetime))
            .formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        let grant = JSONValue.object([
            "application": .object(["id": given["application"] ?? .text(IdentityTestIssuer.application)]),
            "scopes": given["scopes"] ?? .array([.text("identify")]),
            "expires": .text(expires),
            "user": .object(["id": given["id"] ?? .text("1")]),
        ])
        let token = UUID().uuidString
        grants.withLock { grants in
            if grants.count >= 10_000 { grants = [:] }
            grants[token] = grant
        }
        return token
    }

    /// A token of X for a code that was not exchanged before.
    func exchange(_ code: String, now: Int64) -> String? {
        guard used.withLock({ $0.count < 10_000 && $0.insert(code).inserted }) else { return nil }
        return add(["id": .text(code)], now: now)
    }

    func grant(_ token: String?) -> JSONValue? { token.flatMap { token in grants.withLock { $0[token] } } }
}

private func bearer(_ request: Request) -> String? {
    guard let header = request.headers[.authorization], header.hasPrefix("Bearer ") else { return nil }
    return String(header.dropFirst("Bearer ".count))
}

private func members(_ request: Request) async throws -> [String: JSONValue] {
    let body = try await request.body.collect(upTo: 65_536)
    guard let members = try? JSONDecoder().decode([String: JSONValue].self, from: Data(body.readableBytesView)) else {
        throw HTTPError(.badRequest, message: "the body is not a JSON object")
    }
    return members
}

private func token(_ mint: TestTokenMint, _ given: [String: JSONValue], issuer: String, now: Int64) throws -> String {
    var claims: [String: JSONValue] = [
        "iss": .text(issuer), "aud": .text(IdentityTestIssuer.audience), "sub": .text("1"),
        "iat": .integer(now), "exp": .integer(now + 3600), "email_verified": .bool(true),
        // Of the same second's tokens for the same person each is another, as real providers' are.
        "jti": .text(UUID().uuidString.lowercased()),
    ]
    var (algorithm, keyID): (String, String?) = ("RS256", nil)
    for (name, value) in given {
        switch (name, value) {
        case ("alg", .text(let text)): algorithm = text
        case ("kid", .text(let text)): keyID = text
        case (_, .null): claims[name] = nil
        default: claims[name] = value
        }
    }
    return try mint.sign(Array(JSONEncoder().encode(claims)), algorithm: algorithm, keyID: keyID)
}

private func encode(_ members: [String: String]) throws -> [UInt8] { Array(try JSONEncoder().encode(members)) }

extension Response {
    fileprivate init(json: some Sequence<UInt8>) {
        self.init(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: json))
        )
    }
}
