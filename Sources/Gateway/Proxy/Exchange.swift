// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Foundation
internal import Gate
internal import HTTPTypes
internal import Hummingbird
internal import IPAddresses
internal import Ledger
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import NIOCore
internal import NIOFoundationCompat
internal import ReverseProxy
internal import ServiceCatalogue

/// One request of a service on its way through the gate.
struct Exchange: Sendable {
    let proxy: ServiceProxy
    let finding: CatalogueMatch.Finding
    let upstream: ServiceUpstream
    let request: Request
    let context: APIContext
    /// The whole body, where it was read before admission.
    private(set) var requestBody: ByteBuffer?

    init(
        _ proxy: ServiceProxy,
        _ finding: CatalogueMatch.Finding,
        _ upstream: ServiceUpstream,
        _ request: Request,
        _ context: APIContext
    ) {
        self.proxy = proxy
        self.finding = finding
        self.upstream = upstream
        self.request = request
        self.context = context
    }

    var service: CatalogueService { finding.service }
    private var route: CatalogueRoute { finding.route }
    private var label: String { "\(service.name) \(route.pattern)" }

    /// The announced length of the body: 0 when there is none, `nil` when it comes in chunks.
    var bodyLength: Int? {
        if request.headers[.transferEncoding] != nil { return nil }
        return request.headers[.contentLength].flatMap { Int($0) } ?? 0
    }

    func answer() async throws -> ServiceProxy.Answer {
        if let seconds = upstream.takeRequest() {
            Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "service")]).increment()
            throw APIError.retryLater(.rateLimited, "The service has too many requests; wait.", seconds: seconds)
        }
        if let bodyLength, bodyLength > service.bodyLimit {
            throw APIError(.payloadTooLarge, "The body is larger than \(service.bodyLimit) bytes.")
        }
        do {
            return try await admitAndServe()
        } catch let error as APIError {
            // Ours, but booked under the service's route.
            var response = APIResponse.error(error, requestID: context.requestID)
            response.headers[.l402Payment] = "not_charged"
            return own(response)
        }
    }

    private func admitAndServe() async throws -> ServiceProxy.Answer {
        var exchange = self
        if route.auth != .off { exchange.requestBody = try await readShortBody() }
        switch try await exchange.admission() {
        case .answered(let response): return own(response)
        case .ticket(let ticket):
            let response = try await exchange.serve(ticket)
            return ServiceProxy.Answer(response: response, route: label, isForwarded: true)
        }
    }

    private func own(_ response: APIResponse) -> ServiceProxy.Answer {
        ServiceProxy.Answer(response: response.response, route: label, isForwarded: false)
    }

    // MARK: Admission

    /// What lets a request through, and what is to be settled or given back afterwards.
    struct Ticket: Sendable {
        let grant: Grant
        var terms = GrantTerms.unpaid
        var use: FreeAllowances.Use?
        /// Whether the answer says what it cost.
        var isTold = true
    }

    private enum Decision {
        case ticket(Ticket)
        case answered(APIResponse)
    }

    private func admission() async throws -> Decision {
        guard let price = try quote() else { return .ticket(try Self.unpaid()) }
        if request.method == .head, !route.methods.contains("HEAD"), route.auth == .on {
            return .answered(PaymentRequired.price(price))
        }
        if !ForwardedHeaders.holdsCredential(request.headers) {
            if let ticket = await freeTicket() { return .ticket(ticket) }
            if route.auth == .shadow {
                shadow("no_credential")
                return .ticket(try Self.unpaid())
            }
            if let seconds = upstream.takeChallenge() {
                Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "service_challenge")]).increment()
                throw APIError.retryLater(.rateLimited, "The service has too many challenges; wait.", seconds: seconds)
            }
        }
        return try await gateDecision(PaidProduct(service, route, price: price))
    }

    /// The price; `nil` when nothing is sold.
    private func quote() throws(APIError) -> MilliSatoshi? {
        guard route.auth != .off else { return nil }
        switch route.price.quote(bodyBytes: bodyLength) {
        case .price(let price, _): return price > .zero ? price : nil
        case .lengthRequired:
            throw APIError(.lengthRequired, "The price depends on the body's size; send it with Content-Length.")
        }
    }

    private static func unpaid() throws(APIError) -> Ticket {
        guard let free = FreeGrant(price: .zero) else { throw APIError(.internalError, "") }
        return Ticket(grant: .free(free), isTold: false)
    }

    private func freeTicket() async -> Ticket? {
        guard let free = finding.freeAllowance, let allowances = proxy.services.allowances,
            let network = context.client?.network(v4: 24, v6: 48)
        else { return nil }
        let day = Date.now.formatted(.iso8601.year().month().day())
        let use = await allowances.take(
            account: free.account,
            network: network.description,
            limit: free.limit,
            day: day
        )
        guard let use else { return nil }
        Counter(label: "proxy_free_requests_total", dimensions: [("service", service.name)]).increment()
        return Ticket(grant: .free(use.grant), use: use)
    }

    private func gateDecision(_ product: PaidProduct) async throws -> Decision {
        guard let gate = proxy.gate else { throw APIError(.serviceUnavailable, "Nothing is sold here.") }
        let admission = await gate.admit(gateRequest, to: product)
        switch admission {
        case .granted(let grant, let terms): return .ticket(Ticket(grant: grant, terms: terms))
        case .replayed(let stored): return .answered(PaidAnswer.replay(stored))
        default:
            if route.auth == .shadow {
                shadow("refused")
                return .ticket(try Self.unpaid())
            }
            _ = try proxy.limits.take(.global, client: context.client)
            return .answered(try PaymentRequired.answer(admission, to: apiRequest))
        }
    }

    private func shadow(_ reason: String) {
        Counter(label: "proxy_shadow_refusals_total", dimensions: [("service", service.name), ("reason", reason)])
            .increment()
        proxy.logger.info(
            "would have been refused",
            metadata: [
                "request.id": "\(context.requestID)", "proxy.service": "\(service.name)",
                "proxy.route": "\(route.pattern)", "proxy.reason": "\(reason)",
            ]
        )
    }

    private var gateRequest: GateRequest {
        let headers = request.headers
        return GateRequest(
            id: context.requestID,
            method: request.method.rawValue,
            path: request.uri.path,
            target: request.uri.string,
            bodyDigest: requestBody.map { Array(SHA256.hash(data: $0.readableBytesView)) },
            isBodyBound: false,
            clientAddress: context.client
        ) { name in HTTPField.Name(name).map { headers[values: $0] } ?? [] }
    }

    /// The request without its body, for rendering refusals.
    private var apiRequest: APIRequest {
        APIRequest(
            id: context.requestID,
            method: request.method,
            path: request.uri.path,
            target: request.uri.string,
            headers: request.headers,
            authority: nil,
            body: ByteBuffer(),
            client: context.client,
            isLocal: false,
            parameters: [:],
            query: [:]
        )
    }
}
