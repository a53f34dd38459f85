// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import Deadlines
internal import HTTPEdge
internal import HTTPTypes
public import Hummingbird
public import IPAddresses
public import KeyShareNode
public import KeyShareProtocol
public import Logging
internal import NIOCore
internal import RequestLimits

/// Answers requests to a key share node, on listeners of its own or behind another server's.
public struct KeyShareSite: Sendable {
    let service: KeyShareService
    let backups: any BackupDesk
    let access: AdministratorAccess
    let configuration: KeyShareServerConfiguration
    let logger: Logger
    let statusDesk: StatusDesk
    private let metrics: (@Sendable () -> String)?
    private let limits: RequestWindow
    let administratorLimits: [AdministratorAction: RequestWindow]
    let offsiteLimit = RequestWindow(limit: 60)
    private let addressRule: ClientAddressRule
    private let instruments = SiteInstruments()
    private let pseudonyms = ClientPseudonyms()

    /// - Parameter metrics: the text of `/metrics`; `nil` for none.
    public init(
        service: KeyShareService,
        backups: any BackupDesk,
        access: AdministratorAccess,
        configuration: KeyShareServerConfiguration,
        metrics: (@Sendable () -> String)? = nil,
        logger: Logger
    ) {
        self.service = service
        self.backups = backups
        self.access = access
        self.configuration = configuration
        self.metrics = metrics
        self.logger = logger
        statusDesk = StatusDesk(service: service, backups: backups, configuration: configuration)
        limits = RequestWindow(limit: configuration.requestsPerMinute)
        administratorLimits = Dictionary(
            uniqueKeysWithValues: AdministratorAction.allCases.map { ($0, RequestWindow(limit: $0.requestsPerMinute)) }
        )
        addressRule = ClientAddressRule(trustedProxies: configuration.trustedProxies)
    }

    /// Whether a request that came to a shared port is to this node.
    public func takes(_ request: Request) -> Bool {
        let path = request.uri.path
        return path == configuration.prefix || path.hasPrefix(configuration.prefix + "/")
    }

    /// A request, and what was found out about it.
    struct Visit {
        let request: Request
        let path: String
        let door: KeyShareDoor
        let client: IPAddress?
        /// Whether the socket's other end is this machine, and nothing says that a proxy stands between.
        let isDirectlyLocal: Bool
    }

    /// Answers one request; there is an answer to everything.
    ///
    /// - Parameter peer: the address of the socket's other end.
    public func respond(to request: Request, peer: IPAddress?, door: KeyShareDoor = .main) async -> Response {
        await respond(
            to: Visit(
                request: request,
                path: path(of: request),
                door: door,
                client: addressRule.client(peer: peer, headers: request.headers),
                isDirectlyLocal: peer?.isLoopback == true && !Self.isForwarded(request.headers)
            )
        )
    }

    /// Answers a request whose client another server has found out.
    func respond(to request: Request, knownClient client: IPAddress?) async -> Response {
        let visit = Visit(
            request: request,
            path: path(of: request),
            door: .main,
            client: client,
            isDirectlyLocal: false
        )
        return await respond(to: visit)
    }

    private func respond(to visit: Visit) async -> Response {
        let begin = ContinuousClock.now
        let id = RequestID.of(visit.request.headers[.requestID])
        let endpoint = Endpoint(path: visit.path)
        var standing: RequestWindow.Standing?
        var code: KeyShareFailureCode?
        var response: Response
        do throws(KeyShareFailure) {
            response = try await answer(visit, endpoint, &standing)
        } catch {
            code = error.code
            response = SiteAnswer.failure(error)
            if error.code == .methodNotAllowed, let endpoint { response.headers[.allow] = endpoint.allow }
            if let wait = error.retryAfter, standing?.isAllowed != false { response.headers[.retryAfter] = "\(wait)" }
        }
        finish(&response, visit, endpoint, standing, id)
        record(visit, endpoint, response, code, id, took: .now - begin)
        return response
    }

    private func path(of request: Request) -> String {
        let path = request.uri.path
        guard !configuration.prefix.isEmpty, path.hasPrefix(configuration.prefix) else { return path }
        let rest = String(path.dropFirst(configuration.prefix.count))
        return rest.isEmpty ? "/" : rest
    }

    /// Whether any field says that a proxy has passed the request on.
    private static func isForwarded(_ headers: HTTPFields) -> Bool {
        ClientAddressRule.isForwarded(headers)
            || headers.contains { $0.name.canonicalName.hasPrefix("x-forwarded-") }
    }

    // MARK: Answering

    private func answer(
        _ visit: Visit,
        _ endpoint: Endpoint?,
        _ standing: inout RequestWindow.Standing?
    ) async throws(KeyShareFailure) -> Response {
        let request = visit.request
        if request.method == .options { return Response(status: .noContent, headers: OriginRule.preflight) }
        if visit.door == .main {
            let now = limits.take(visit.client, now: MonotonicSeconds.now())
            standing = now
            guard now.isAllowed else { throw Self.tooMany(limits.window) }
        }
        guard FramingGuard.isClear(request.headers) else {
            throw KeyShareFailure(.invalidRequest, "The only Transfer-Encoding understood is: chunked")
        }
        guard let endpoint, isOpen(endpoint, visit) else { throw KeyShareFailure(.notFound, "There is no such route") }
        guard request.method == endpoint.method || (request.method == .head && endpoint.method == .get) else {
            throw KeyShareFailure(.methodNotAllowed, "This path answers \(endpoint.allow)")
        }
        switch endpoint {
        case .root: return SiteAnswer.text("Ok", type: "text/plain")
        case .status: return await status(request)
        case .page: return SiteAnswer.text(APIPage.html(prefix: configuration.prefix), type: "text/html")
        case .description:
            let bytes = APIDescription.bytes(version: configuration.version, prefix: configuration.prefix)
            return SiteAnswer.json(bytes, status: .ok)
        case .nodeKeys: return SiteAnswer.success(KeyShareAnswer.success(try await NodeKeysAnswer(service)))
        case .metrics: return try await metricsAnswer()
        case .share(let route): return try await share(route, visit)
        case .administration(let action, let isOko):
            return try await administer(action, visit, isOko: isOko, &standing)
        case .offsite: return try await takeOffsite(visit, &standing)
        }
    }

    static func tooMany(_ window: Int) -> KeyShareFailure {
        KeyShareFailure(tooManyWithin: window)
    }

    /// Whether a door leads to a route.
    private func isOpen(_ endpoint: Endpoint, _ visit: Visit) -> Bool {
        let isShared = configuration.administration == nil
        switch (endpoint, visit.door) {
        case (.share, .administration): return false
        case (.metrics, .main): return isShared && visit.isDirectlyLocal
        // The guide's curl lines run on the node's own machine, and no proxy can be used to get here.
        case (.administration(_, isOko: true), .main): return isShared || visit.isDirectlyLocal
        case (.administration, .main): return isShared
        case (.offsite, _): return !configuration.offsitePeers.isEmpty
        default: return true
        }
    }

    private func status(_ request: Request) async -> Response {
        let status = await statusDesk.current()
        let isAsked = ["1", "true"].contains(request.uri.queryParameters["ready"].map(String.init))
        return SiteAnswer.json(status.bytes, status: isAsked && !status.isReady ? .serviceUnavailable : .ok)
    }

    private func metricsAnswer() async throws(KeyShareFailure) -> Response {
        guard let metrics else { throw KeyShareFailure(.notFound, "There is no such route") }
        let status = await statusDesk.current()
        SiteInstruments.show(status.store, status.backup)
        return SiteAnswer.text(metrics(), type: "text/plain; version=0.0.4")
    }

    private func share(_ route: KeyShareRoute, _ visit: Visit) async throws(KeyShareFailure) -> Response {
        try Self.checkMediaType(visit.request)
        return SiteAnswer.success(try await answer(route, visit, body: try await body(of: visit.request)))
    }

    private func answer(_ route: KeyShareRoute, _ visit: Visit, body: [UInt8]) async throws(KeyShareFailure) -> [UInt8]
    {
        let headers = visit.request.headers
        if route == .checkV1 || route == .checkV2 { try checkService(headers, body) }
        let call = KeyShareCall(
            bearer: Self.bearer(headers),
            session: headers[.keyShareSession],
            signature: headers[.keyShareSignature],
            body: body,
            peer: visit.client?.description ?? ""
        )
        let service = service
        return try await within(configuration.requestTimeout) { try await service.answer(route, call) }
    }

    /// Where only services may ask, the body has to be signed.
    private func checkService(_ headers: HTTPFields, _ body: [UInt8]) throws(KeyShareFailure) {
        guard let key = configuration.checkKey else { return }
        let expected = HMAC<SHA256>.authenticationCode(for: body, using: SymmetricKey(data: Array(key.utf8)))
        guard let given = headers[.keyShareCheck].flatMap({ Hex.decode($0) }),
            constantTimeEqual(Array(expected), given)
        else { throw KeyShareFailure(.unauthorized, "X-KS-Check with the HMAC of the body is required") }
    }

    static func bearer(_ headers: HTTPFields) -> String? {
        guard let header = headers[.authorization], header.count > 7, header.prefix(7).lowercased() == "bearer " else {
            return nil
        }
        let token = header.dropFirst(7).trimmingPrefix { $0 == " " }
        return token.isEmpty ? nil : String(token)
    }

    /// Runs work that must end some time, and hides what it did not foresee.
    func within<Value: Sendable>(
        _ deadline: Duration,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws(KeyShareFailure) -> Value {
        do { return try await withDeadline(deadline, work) } catch let failure as KeyShareFailure {
            throw failure
        } catch is DeadlineExceeded {
            throw KeyShareFailure(.unknownError, "It took too long: try again")
        } catch {
            // Nothing of the request is logged.
            logger.error("a request ended in an unforeseen error", metadata: ["error.type": "\(type(of: error))"])
            throw KeyShareFailure(.unknownError, "Something went wrong here: try again later")
        }
    }

    // MARK: Around every answer

    private func finish(
        _ response: inout Response,
        _ visit: Visit,
        _ endpoint: Endpoint?,
        _ standing: RequestWindow.Standing?,
        _ id: String
    ) {
        for field in StandardFields.all { response.headers.append(field) }
        if let standing { for field in standing.fields { response.headers[field.name] = field.value } }
        let isPrivate =
            switch endpoint {
            case .administration, .offsite, .metrics: true
            default: visit.door == .administration
            }
        if !isPrivate {
            let origins = configuration.origins.fields(for: visit.request.headers[.origin])
            for field in origins { response.headers[field.name] = field.value }
        } else if visit.request.method == .options {
            // A preflight that is answered with nothing is a refusal.
            for field in OriginRule.preflight { response.headers[field.name] = nil }
        }
        response.headers[.requestID] = id
        if visit.request.method == .head { response = response.createHeadResponse() }
        // The decoder reads nothing more of a connection that wanted to become something else.
        if visit.request.headers[.upgrade] != nil { response.headers[.connection] = "close" }
    }

    private func record(
        _ visit: Visit,
        _ endpoint: Endpoint?,
        _ response: Response,
        _ code: KeyShareFailureCode?,
        _ id: String,
        took: Duration
    ) {
        instruments.record(endpoint, status: response.status.code, took: took)
        var fields: Logger.Metadata = [
            "client": "\(pseudonyms.pseudonym(of: visit.client))",
            "ms": "\(Int((took / .milliseconds(1)).rounded()))", "request.id": "\(id)",
            "route": "\(endpoint.map { "\($0.method.rawValue) \($0.template)" } ?? "unknown")",
            "status": "\(response.status.code)",
        ]
        if let code { fields["code"] = "\(code.rawValue)" }
        logger.info("request", metadata: fields)
    }
}
