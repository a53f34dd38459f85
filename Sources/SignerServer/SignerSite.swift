// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import Deadlines
internal import Foundation
internal import HTTPEdge
internal import HTTPTypes
public import Hummingbird
public import IPAddresses
internal import LightningPrimitives
public import Logging
internal import NIOCore
internal import Nostr
internal import Pomade
public import Signer

/// Answers requests to a signer, on a listener of its own or behind another server's.
public struct SignerSite: Sendable {
    private let service: SignerService
    private let challenges: ChallengeDesk
    private let configuration: SignerServerConfiguration
    private let metrics: (@Sendable () -> String)?
    private let limits: AddressLimits?
    private let addressRule: ClientAddressRule
    private let replays = ReplayCache()
    private let instruments = SignerInstruments()
    private let logger: Logger
    /// Unix seconds.
    private let now: @Sendable () -> Int64
    /// What may stand before a route's path, the longest first: names may differ in it.
    private let prefixes: [String]
    /// The hosts and paths of the signer's names.
    private let addresses: [SignerAddress]

    /// - Parameters:
    ///   - metrics: the text of `/metrics`; `nil` for none.
    ///   - clock: Unix seconds.
    public init(
        service: SignerService,
        challenges: ChallengeDesk,
        configuration: SignerServerConfiguration,
        metrics: (@Sendable () -> String)? = nil,
        clock: @escaping @Sendable () -> Int64,
        logger: Logger
    ) {
        self.service = service
        self.challenges = challenges
        self.configuration = configuration
        self.metrics = metrics
        limits = configuration.limitsAddresses ? AddressLimits() : nil
        addressRule = ClientAddressRule(trustedProxies: configuration.trustedProxies)
        self.logger = logger
        now = clock
        addresses = service.configuration.urls.compactMap { SignerAddress($0) }
        prefixes = addresses.map(\.prefix).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// Whether a request that came to a shared port is to this signer: by host name, and by path if the URL has one.
    public func takes(_ request: Request) -> Bool {
        let authority = request.head.authority?.lowercased() ?? ""
        return addresses.contains { address in
            let isHost = authority == address.authority || authority == address.authorityWithPort
            let path = request.uri.path
            return isHost && (address.prefix.isEmpty || path.hasPrefix(address.prefix + "/"))
        }
    }

    /// Answers one request; there is an answer to everything.
    /// - Parameter peer: the address of the socket's other end.
    public func respond(to request: Request, peer: IPAddress?) async -> Response {
        let begin = ContinuousClock.now
        let path = self.path(of: request)
        let route = SignerRoute(rawValue: path)
        do throws(SignerFailure) {
            let response = try await answer(request, path: path, peer: peer)
            instruments.record(route, code: nil, took: .now - begin)
            return response
        } catch {
            instruments.record(route, code: error.code, took: .now - begin)
            return SignerAnswer.failure(error)
        }
    }

    /// The path below the name that was used; the whole path when it is below none.
    private func path(of request: Request) -> String {
        let whole = request.uri.path
        let prefix = prefixes.first { whole.hasPrefix($0 + "/") } ?? ""
        return String(whole.utf8.dropFirst(prefix.utf8.count)) ?? whole
    }

    private func answer(_ request: Request, path: String, peer: IPAddress?) async throws(SignerFailure) -> Response {
        if request.method == .options { return SignerAnswer.preflight }
        let client = addressRule.client(peer: peer, headers: request.headers)
        if request.method == .get, let response = try metricsAnswer(request, peer: peer) { return response }
        if request.method == .get, request.uri.path == "/healthz" { return await healthAnswer() }
        try limits?.count(path, from: client)
        if let token = linkToken(request, path) { return await follow(path, token, request) }
        if request.method == .get, SignerRoute(rawValue: path) == .info {
            return try success(try service.info(), "This signer.")
        }
        guard request.method == .post else {
            throw SignerFailure(.methodNotAllowed, "This path answers POST.")
        }
        guard FramingGuard.isClear(request.headers) else {
            throw SignerFailure(.badJSON, "The only Transfer-Encoding understood is: chunked.")
        }
        do {
            // One deadline for reading and answering: each costs a task.
            return try await withDeadline(configuration.requestTimeout) {
                let body = try await body(of: request)
                return try await perform(request.headers, path: path, body: body, client: client)
            }
        } catch let failure as SignerFailure {
            throw failure
        } catch is DeadlineExceeded {
            throw SignerFailure(.internalError, "It took too long: try again.")
        } catch {
            // Nothing of the request is logged.
            logger.error("a request ended in an unforeseen error", metadata: ["error.type": "\(type(of: error))"])
            throw SignerFailure(.internalError, "Something went wrong here: try again later.")
        }
    }

    // MARK: Reading

    private func body(of request: Request) async throws(SignerFailure) -> [UInt8] {
        let limit = configuration.bodyLimit
        let tooLarge = SignerFailure(.tooLarge, "A body has at most \(limit) bytes.")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge }
        do {
            return Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw tooLarge
        } catch {
            throw SignerFailure(.badRequest, "The body did not arrive whole.")
        }
    }

    /// The first of several credentials in one field that is meant for us.
    private static func credential(_ headers: HTTPFields) -> String? {
        guard let value = headers[.authorization] else { return nil }
        // Nearly always there is one alone, and this is done for every request.
        guard value.utf8.contains(UInt8(ascii: ",")) else { return value }
        let all = headers[values: .authorization].flatMap { $0.split(separator: ",") }
            .map { $0.trimmingCharacters(in: .whitespaces) }
        return all.first { $0.lowercased().hasPrefix("nostr ") } ?? all.first
    }

    private func authenticate(
        _ headers: HTTPFields,
        path: String,
        body: [UInt8],
        client: IPAddress?
    ) throws(SignerFailure) -> SignerCaller {
        let urls = service.configuration.urls
        let digest = Array(SHA256.hash(data: body))
        let authorization: HTTPAuthorization
        do throws(HTTPAuthorizationFailure) {
            authorization = try HTTPAuthorization(
                header: Self.credential(headers),
                expecting: .init(
                    urls: urls.map { $0 + path },
                    bodyDigest: digest,
                    requiresPayload: configuration.requiresPayload
                ),
                now: now()
            )
        } catch {
            throw SignerFailure(.authFailed, "The request is not signed: \(error).")
        }
        switch replays.admit(authorization.event.signature, now: now()) {
        case .fresh: break
        case .replayed: throw SignerFailure(.authFailed, "The request was sent before: sign it anew.")
        case .full: throw SignerFailure(.throttled, "Too many requests: try again in a minute.", retryAfter: 60)
        }
        guard let key = Hex32(authorization.key.bytes) else {
            throw SignerFailure(.authFailed, "The request is not signed.")
        }
        let used = authorization.event.tag("u")?.dropFirst().first?.lowercased()
        return SignerCaller(
            key: key,
            hasWork: authorization.event.hasWork(service.configuration.registrationWork),
            source: client?.network(v4: 24, v6: 56),
            bodyDigest: digest,
            url: urls.first { ($0 + path).lowercased() == used } ?? urls[0]
        )
    }

    // MARK: Routes

    private func perform(
        _ headers: HTTPFields,
        path: String,
        body: [UInt8],
        client: IPAddress?
    ) async throws(SignerFailure) -> Response {
        let begin = ContinuousClock.now
        // What is signed is what was sent, also nothing at all.
        let raw = body
        let body = body.isEmpty ? Array("{}".utf8) : body
        let route = SignerRoute(rawValue: path)
        // Read by its route anyway; whether what cannot be read is JSON at all is looked at when that has failed.
        let isRead = route == .signCommit || route == .signComplete || route == .keyExchange
        guard JSONNesting.isShallow(body), Self.isStrict(body), isRead || Self.isJSON(body) else { throw Self.badJSON }
        if route == .info { return try success(try service.info(), "This signer.") }
        do throws(SignerFailure) {
            let caller = try authenticate(headers, path: path, body: raw, client: client)
            return try await perform(route, body, caller, since: begin)
        } catch {
            if isRead, error.code == .authFailed || error.code == .badRequest, !Self.isJSON(body) { throw Self.badJSON }
            throw error
        }
    }

    private static var badJSON: SignerFailure {
        SignerFailure(.badJSON, "The body is no JSON, or nested too deeply.")
    }

    /// Whether a body is UTF-8, and has nothing that Foundation's reader takes although it is not JSON, or that other
    /// readers take in another way.
    private static func isStrict(_ body: [UInt8]) -> Bool {
        StrictJSON.isStrict(body) && String(validating: body, as: UTF8.self) != nil
    }

    private static func isJSON(_ body: [UInt8]) -> Bool {
        (try? JSONDecoder().decode(AnyJSON.self, from: Data(body))) != nil
    }

    private func perform(
        _ route: SignerRoute?,
        _ body: [UInt8],
        _ caller: SignerCaller,
        since begin: ContinuousClock.Instant
    ) async throws(SignerFailure) -> Response {
        guard let route else { throw SignerFailure(.notFound, "There is no such route.") }
        let call = SignerCall(route: route, body: body, caller: caller)
        guard route == .signComplete || route == .keyExchange, configuration.sensitiveFloor > .zero else {
            return try await call.answer(service, challenges)
        }
        let result: Result<Response, SignerFailure>
        do throws(SignerFailure) { result = .success(try await call.answer(service, challenges)) } catch {
            result = .failure(error)
        }
        try? await Task.sleep(until: begin + configuration.sensitiveFloor)
        return try result.get()
    }

    private func success(_ content: some Encodable & Sendable, _ message: String) throws(SignerFailure) -> Response {
        do { return try SignerAnswer.success(content, message) } catch {
            throw SignerFailure(.internalError, "Something went wrong here: try again later.")
        }
    }

    // MARK: Links of mails

    /// The token of a link that was mailed, on the two paths that have one.
    private func linkToken(_ request: Request, _ path: String) -> Hex32? {
        guard request.method == .get || request.method == .post, let route = SignerRoute(rawValue: path),
            route == .recoveryCancel || route == .emailConfirm
        else { return nil }
        return request.uri.queryParameters.get("token").flatMap { Hex32(hex: $0) }
    }

    /// Shows what a link would do, and does it when its button was pressed: scanners of mail follow links too.
    private func follow(_ path: String, _ token: Hex32, _ request: Request) async -> Response {
        let isConfirmation = SignerRoute(rawValue: path) == .emailConfirm
        guard request.method == .post else {
            return isConfirmation
                ? SignerAnswer.page("Confirm your address", "It will recover your key here.", button: "Confirm")
                : SignerAnswer.page(
                    "Stop the recovery",
                    "Somebody with access to your mail asked for your share of a key.",
                    button: "Stop it"
                )
        }
        do throws(SignerFailure) {
            if isConfirmation {
                try await service.confirmEmail(token: token)
                return SignerAnswer.page("Confirmed", "The address is yours.")
            }
            _ = try await service.cancelRecovery(token: token)
            return SignerAnswer.page("Stopped", "Nobody gets your share by that request.")
        } catch {
            return SignerAnswer.page("Nothing was done", error.message, status: .notFound)
        }
    }

    // MARK: Health and metrics

    /// Whether the database answers; nothing else is needed to serve.
    private func healthAnswer() async -> Response {
        let isReady = await service.isReady()
        return Response(
            status: isReady ? .ok : .serviceUnavailable,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: isReady ? #"{"ok":true}"# : #"{"ok":false}"#))
        )
    }

    private func metricsAnswer(_ request: Request, peer: IPAddress?) throws(SignerFailure) -> Response? {
        guard let metrics, request.uri.path == "/metrics" else { return nil }
        let isLocal = peer?.isLoopback == true && !ClientAddressRule.isForwarded(request.headers)
        if !(configuration.isMetricsLoopbackFree && isLocal) {
            let bearer = request.headers[.authorization].flatMap { value in
                value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : nil
            }
            let given = HTTPField.Name("X-API-Key").flatMap { request.headers[$0] } ?? bearer ?? ""
            // Hashes have one length, so the comparison tells nothing about the key's.
            let hashes = [given, configuration.metricsKey ?? ""].map { Array(SHA256.hash(data: Array($0.utf8))) }
            guard configuration.metricsKey != nil, constantTimeEqual(hashes[0], hashes[1]) else {
                throw SignerFailure(.methodNotAllowed, "This path answers POST.")
            }
        }
        let headers: HTTPFields = [
            .contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store",
        ]
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: metrics())))
    }
}

/// Whatever is JSON.
private struct AnyJSON: Decodable {
    init(from decoder: any Decoder) {}
}
