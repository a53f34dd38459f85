// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
internal import Gate
internal import HTTPEdge
internal import HTTPTypes
internal import Hummingbird
internal import IPAddresses
internal import Ledger
internal import NIOCore

/// Runs one route: limits, body, payment, handler, deadline; the same for all.
struct RouteRunner: Sendable {
    /// `nil` in processes that sell nothing.
    let gate: Gate?
    let limits: RateLimits
    let bodyLimit: Int
    let deadline: Duration
    /// How long a body may take to arrive.
    let bodyDeadline: Duration
    let receipts: ReceiptDesk

    func run(_ route: APIRoute, _ request: Request, _ context: APIContext) async throws -> APIResponse {
        switch route.access {
        case .free(let handler):
            let standing = try take(route, context)
            let request = try await read(request, context, for: route)
            var response = try await within(deadline) { try await handler(request) }
            for field in standing { response.headers[field.name] = field.value }
            return response
        case .paid(let product, let prepare):
            let request = try await read(request, context, for: route)
            let handler = try prepare(request)
            return try await sell(product, to: request, context, handler)
        case .quoted(_, let quote):
            // A quote may ask the database or another server, for callers who have not paid anything yet.
            _ = try limits.take(.quote, client: context.client)
            let request = try await read(request, context, for: route)
            let (product, handler) = try await quoted(request, quote)
            return try await sell(product, to: request, context, handler)
        }
    }

    private func quoted(
        _ request: APIRequest,
        _ quote: @escaping @Sendable (APIRequest) async throws -> (PaidProduct, PaidHandler)
    ) async throws -> (PaidProduct, PaidHandler) {
        do {
            return try await withDeadline(deadline) { try await quote(request) }
        } catch is DeadlineExceeded {
            throw APIError(.gatewayTimeout, "The request took longer than \(deadline.components.seconds) s.")
        }
    }

    /// HEAD of a route: the free answer without its body, or the price.
    func head(_ route: APIRoute, _ request: Request, _ context: APIContext) async throws -> APIResponse {
        if let product = route.product {
            _ = try limits.take(.global, client: context.client)
            return PaymentRequired.price(product.price)
        }
        var response = try await run(route, request, context)
        response.body = ByteBuffer()
        return response
    }

    private func take(_ route: APIRoute, _ context: APIContext) throws(APIError) -> HTTPFields {
        let own = try limits.take(route.limiter, client: context.client)
        if route.limiter == .discovery { _ = try limits.take(.global, client: context.client) }
        return own
    }

    private func sell(
        _ product: PaidProduct,
        to request: APIRequest,
        _ context: APIContext,
        _ handler: @escaping PaidHandler
    ) async throws -> APIResponse {
        guard let gate else { throw APIError(.serviceUnavailable, "Nothing is sold here.") }
        if let key = request.headers[.idempotencyKey], !IdempotentRequest.isKey(key) {
            throw APIError(
                .validationError,
                "Idempotency-Key must have 1 to 64 visible ASCII characters.",
                details: ["field": "Idempotency-Key"]
            )
        }
        // What a token pays for is limited by the token; what nobody pays for is limited by the address.
        let admission = try await gate.admit(request.forGate, to: product) { () throws(APIError) in
            _ = try limits.take(.global, client: context.client)
        }
        switch admission {
        case .granted(let grant, let terms): return try await serve(request, grant, terms, gate, handler)
        case .replayed(let stored): return PaidAnswer.replay(stored)
        default: return try PaymentRequired.answer(admission, to: request)
        }
    }

    private func serve(
        _ request: APIRequest,
        _ grant: Grant,
        _ terms: GrantTerms,
        _ gate: Gate,
        _ handler: @escaping PaidHandler
    ) async throws -> APIResponse {
        let response: APIResponse
        do {
            response = try await within(deadline) { try await handler(grant) }
        } catch {
            await shielded { await gate.release(grant, terms) }
            throw error
        }
        let isMiss = response.status == .notFound
        let isServed = response.status.kind == .successful || response.status == .notModified
        guard isServed || (isMiss && !gate.isFreeMiss(grant)) else {
            await shielded { await gate.release(grant, terms) }
            return PaidAnswer.annotated(response, terms, isCharged: false)
        }
        let terms = response.meteredPrice.map(terms.metered) ?? terms
        let answer = await receipts.sign(PaidAnswer.annotated(response, terms, isCharged: true), to: request, terms)
        let stored = terms.keepsAnswer ? PaidAnswer.stored(answer) : nil
        guard await shielded({ await gate.settle(grant, terms, answer: stored) }) else {
            throw APIError.retryLater(.serviceUnavailable, "The request took too long to be accounted for.", seconds: 1)
        }
        return answer
    }

    /// Runs what must not stop halfway when the client hangs up.
    private func shielded<Value: Sendable>(_ operation: @escaping @Sendable () async -> Value) async -> Value {
        await Task { await operation() }.value
    }

    private func within(_ deadline: Duration, _ work: @escaping @Sendable () async throws -> APIResponse) async throws
        -> APIResponse
    {
        do {
            return try await withDeadline(deadline, work)
        } catch is DeadlineExceeded {
            throw APIError(.gatewayTimeout, "The request took longer than \(deadline.components.seconds) s.")
        }
    }

    private func read(_ request: Request, _ context: APIContext, for route: APIRoute) async throws -> APIRequest {
        if RequestPipeline.hasBody(request), !RequestPipeline.isMediaType(request, of: route.mediaTypes) {
            let types = route.mediaTypes.sorted().joined(separator: " or ")
            throw APIError(.unsupportedMediaType, "Send the body as Content-Type: \(types).")
        }
        let bodyLimit = route.bodyLimit ?? bodyLimit
        let tooLarge = APIError(.payloadTooLarge, "The body is larger than \(bodyLimit) bytes.")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bodyLimit { throw tooLarge }
        var body = ByteBuffer()
        do {
            let (source, limit) = (request.body, bodyLimit)
            body = try await withDeadline(bodyDeadline) {
                var body = ByteBuffer()
                for try await chunk in source {
                    guard body.readableBytes + chunk.readableBytes <= limit else { throw tooLarge }
                    body.writeImmutableBuffer(chunk)
                }
                return body
            }
        } catch let error as APIError {
            throw error
        } catch is DeadlineExceeded {
            throw APIError(.requestTimeout, "The body took longer than \(bodyDeadline.components.seconds) s to arrive.")
        } catch {
            // The client hung up or sent something that is not HTTP: its fault, not ours.
            throw APIError(.malformedRequest, "The body ended too early or cannot be read.")
        }
        var query: [String: String] = [:]
        for (key, value) in request.uri.queryParameters where query[String(key)] == nil {
            query[String(key)] = String(value)
        }
        let parameters = Dictionary(context.parameters.map { (String($0.key), String($0.value)) }) { first, _ in first }
        let isLocal = context.peer?.address?.isLoopback == true && !ClientAddressRule.isForwarded(request.headers)
        return APIRequest(
            id: context.requestID,
            method: request.method,
            path: request.uri.path,
            target: request.uri.string,
            headers: request.headers,
            authority: request.head.authority.flatMap { Self.isHost($0) ? $0 : nil },
            body: body,
            client: context.client,
            isLocal: isLocal,
            parameters: parameters,
            query: query
        )
    }

    /// Whether a text can only be a host and a port.
    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
                    UInt8(ascii: "["), UInt8(ascii: "]"):
                    true
                default: false
                }
            }
    }
}
