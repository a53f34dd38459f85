// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Foundation
internal import HTTPEdge
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import Metrics
internal import NIOCore

/// What happens to every request around its route: id, client address, media type, errors, headers, metrics, one log line.
struct RequestPipeline: RouterMiddleware {
    typealias Context = APIContext

    let addressRule: ClientAddressRule
    let blockList: BlockList
    let logger: Logger
    /// Services of others; `nil` without any.
    let proxy: ServiceProxy?
    let sites: [MountedSite]
    /// The media types that any route takes.
    let mediaTypes: Set<String>
    private let instruments = RequestInstruments()

    init(
        addressRule: ClientAddressRule,
        blockList: BlockList,
        logger: Logger,
        mediaTypes: Set<String>,
        proxy: ServiceProxy? = nil,
        sites: [MountedSite] = []
    ) {
        self.addressRule = addressRule
        self.blockList = blockList
        self.logger = logger
        self.mediaTypes = mediaTypes
        self.proxy = proxy
        self.sites = sites
    }

    func handle(
        _ request: Request,
        context: APIContext,
        next: (Request, APIContext) async throws -> Response
    ) async throws -> Response {
        let begin = ContinuousClock.now
        var context = context
        context.requestID = Self.requestID(request.headers[.requestID])
        context.client = addressRule.client(peer: context.peer?.address, headers: request.headers)
        var response: Response
        var proxied: ServiceProxy.Answer?
        do {
            if blockList.contains(context.client) {
                throw APIError(.forbidden, "Requests from this network are not served.")
            }
            try Self.checkHost(request)
            try Self.checkFraming(request)
            if let site = sites.first(where: { $0.takes(request) }) {
                response = await site.respond(request, context.peer?.address)
                proxied = ServiceProxy.Answer(response: response, route: site.name, isForwarded: true)
            } else if let proxy, proxy.takes(request) {
                let answer = try await proxy.respond(request, context)
                response = answer.response
                proxied = answer
            } else {
                try checkMediaType(request)
                response = try await next(request, context)
            }
        } catch {
            response = APIResponse.error(apiError(error, request, context), requestID: context.requestID).response
        }
        if proxied?.isForwarded == true {
            Self.addForwardedHeaders(to: &response, requestID: context.requestID)
        } else {
            Self.addHeaders(to: &response, request, requestID: context.requestID)
            // Whoever reads the connection takes what follows the head for the next answer (RFC 9110 section 9.3.2).
            if request.method == .head { response = response.createHeadResponse() }
        }
        // The decoder reads nothing more of a connection that wanted to become something else.
        if request.headers[.upgrade] != nil, response.status != .switchingProtocols {
            response.headers[.connection] = "close"
        }
        measure(request, response, context, route: proxied?.route, since: begin)
        return response
    }

    private static func requestID(_ proposed: String?) -> String {
        let isSafe = proposed.map { id in
            (1...64).contains(id.utf8.count)
                && id.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
        guard let proposed, isSafe == true else { return randomID() }
        return proposed
    }

    /// 128 random bits in the form of a UUID.
    ///
    /// Foundation's would open the system's generator anew for every request.
    private static func randomID() -> String {
        var generator = SystemRandomNumberGenerator()
        let bits: (UInt64, UInt64) = (generator.next(), generator.next())
        var digits = Array(withUnsafeBytes(of: bits) { Hex.encode($0) }.utf8)
        for place in [20, 16, 12, 8] { digits.insert(UInt8(ascii: "-"), at: place) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Refuses a request with several hosts, of which others on the way may believe another one (RFC 9112 section 3.2).
    private static func checkHost(_ request: Request) throws(APIError) {
        // The first one has become the authority.
        guard !request.headers.contains(where: { $0.name.canonicalName == "host" }) else {
            throw APIError(.malformedRequest, "The request names more than one host.")
        }
    }

    /// Refuses a body whose end others on the way may see elsewhere; ``FramingGuard`` has cut it off.
    private static func checkFraming(_ request: Request) throws(APIError) {
        guard !FramingGuard.isClear(request.headers) else { return }
        throw APIError(.malformedRequest, "The only Transfer-Encoding understood is: chunked.")
    }

    private func checkMediaType(_ request: Request) throws(APIError) {
        guard Self.hasBody(request), !Self.isMediaType(request, of: mediaTypes) else { return }
        throw APIError(.unsupportedMediaType, Self.wantedTypes(mediaTypes))
    }

    /// Says what a body may be.
    static func wantedTypes(_ types: Set<String>) -> String {
        "Send the body as Content-Type: \(types.sorted().joined(separator: " or "))."
    }

    static func hasBody(_ request: Request) -> Bool { [.post, .put, .patch].contains(request.method) }

    /// Whether a request's body is one of the media types; gRPC's forms serve wherever JSON does.
    static func isMediaType(_ request: Request, of types: Set<String>) -> Bool {
        let type = request.headers[.contentType]?.split(separator: ";").first.map(String.init)?.lowercased()
        let media = type?.trimmingCharacters(in: .whitespaces) ?? ""
        return types.contains(media) || types.contains("application/json") && media.hasPrefix("application/grpc")
    }

    private func apiError(_ error: any Error, _ request: Request, _ context: APIContext) -> APIError {
        switch error {
        case let known as APIError: return known
        case let http as HTTPError where http.status == .notFound: return .notFound("resource")
        case let http as HTTPError where http.status == .contentTooLarge:
            return APIError(.payloadTooLarge, "The body is too large.")
        case let http as HTTPError where http.status.kind == .clientError:
            return APIError(.malformedRequest, http.body ?? "The request cannot be read.")
        default:
            Counter(label: "http_faults_total").increment()
            logger.error(
                "a request ended in an unforeseen error",
                metadata: ["request.id": "\(context.requestID)", "error": "\(error)"]
            )
            return APIError(.internalError, "Something went wrong here; the request id helps to find out what.")
        }
    }

    private static func addHeaders(to response: inout Response, _ request: Request, requestID: String) {
        response.headers[.requestID] = requestID
        for field in standardFields {
            // A picture says itself that its styles may be used.
            if field.name == .contentSecurityPolicy, response.headers.contains(field.name) { continue }
            if response.headers.contains(field.name) { response.headers[field.name] = nil }
            response.headers.append(field)
        }
        if request.headers[.authorization] != nil, response.headers[.cacheControl]?.contains("no-store") != true {
            response.headers[.cacheControl] = "no-store"
        }
    }

    /// What every answer carries; made once, because making a field looks at every byte of it.
    private static let standardFields: [HTTPField] = [
        HTTPField(name: .apiVersion, value: "1.0"),
        HTTPField(name: .xContentTypeOptions, value: "nosniff"),
        HTTPField(name: .frameOptions, value: "DENY"),
        HTTPField(name: .referrerPolicy, value: "strict-origin-when-cross-origin"),
        HTTPField(name: .contentSecurityPolicy, value: "default-src 'none'; frame-ancestors 'none'"),
        HTTPField(name: .permissionsPolicy, value: "camera=(), geolocation=(), microphone=()"),
        HTTPField(name: .strictTransportSecurity, value: "max-age=31536000; includeSubDomains"),
        HTTPField(name: .crossOriginResourcePolicy, value: "cross-origin"),
        // No cookies are used, so every origin may read.
        HTTPField(name: .accessControlAllowOrigin, value: "*"),
        HTTPField(name: .accessControlExposeHeaders, value: exposed),
    ]

    /// What is added to a backend's answer, which has its own rules for everything else.
    private static func addForwardedHeaders(to response: inout Response, requestID: String) {
        response.headers[.requestID] = requestID
        guard response.headers[.accessControlAllowOrigin] != nil else { return }
        let own = response.headers[values: .accessControlExposeHeaders]
        response.headers[.accessControlExposeHeaders] = (own + [exposed]).joined(separator: ", ")
    }

    private static let exposed =
        "WWW-Authenticate, Payment-Receipt, L402-Receipt, L402-PoW, Retry-After, L402-Balance, L402-Expires, "
        + "L402-Payment, L402-Price, Idempotent-Replayed, X-Request-Id, X-SatRank-Balance, X-SatRank-Balance-Max, X-Assay-Balance-Msat, X-Assay-Price-Msat, "
        + "RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, ETag"

    private func measure(
        _ request: Request,
        _ response: Response,
        _ context: APIContext,
        route proxied: String?,
        since begin: ContinuousClock.Instant
    ) {
        let route = proxied ?? context.endpointPath ?? "unmatched"
        let took = ContinuousClock.now - begin
        instruments.record(Self.methodLabel(request.method), route: route, status: response.status.code, took: took)
        logger.debug(
            "request",
            metadata: [
                "request.id": "\(context.requestID)", "http.method": "\(request.method.rawValue)",
                "http.route": "\(route)", "http.status": "\(response.status.code)", "http.took": "\(took)",
            ]
        )
    }

    /// Methods are a closed set in metrics; a client can send any word.
    private static func methodLabel(_ method: HTTPRequest.Method) -> String {
        [.get, .head, .post, .put, .patch, .delete, .options].contains(method) ? method.rawValue : "OTHER"
    }
}
