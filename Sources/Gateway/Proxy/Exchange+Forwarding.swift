// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Gate
internal import HTTPEdge
internal import HTTPTypes
internal import Hummingbird
internal import IPAddresses
internal import Ledger
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import NIOCore
internal import ReverseProxy
internal import ServiceCatalogue

extension Exchange {
    /// Forwards a request that was let through, and settles or gives back what was held for it.
    func serve(_ ticket: Ticket) async throws -> Response {
        do {
            if ForwardedHeaders.isWebSocketUpgrade(request.method, request.headers) { return try await upgrade(ticket) }
            return try await forward(ticket)
        } catch {
            await giveBack(ticket)
            throw apiError(error)
        }
    }

    private func forward(_ ticket: Ticket) async throws -> Response {
        let isPaid = if case .paid = ticket.grant { true } else { false }
        let answer = try await upstream.proxy.forward(
            wireRequest(ticket),
            atMost: isPaid ? proxy.gate?.holdPatience : nil
        )
        return try await passOn(answer, ticket)
    }

    private func passOn(_ answer: UpstreamResponse, _ ticket: Ticket) async throws -> Response {
        let isMiss = answer.status == .notFound && proxy.gate?.isFreeMiss(ticket.grant) == false
        let isServed = answer.status.kind == .successful || answer.status.kind == .redirection || isMiss
        let hasBody = request.method != .head && answer.status != .noContent && answer.status != .notModified
        if isServed, let kept = try await keep(answer, ticket, hasBody: hasBody) { return kept }
        if isServed { try await settle(ticket) } else { await giveBack(ticket) }
        var headers = answer.headers
        upstream.responseHeaders.apply(to: &headers)
        if ticket.isTold { annotate(&headers, ticket, isCharged: isServed) }
        guard hasBody else {
            // The length an answer to HEAD would have had stays; without one there must be no chunks either.
            if request.method == .head, headers[.contentLength] == nil { headers[.contentLength] = "0" }
            return Response(status: answer.status, headers: headers, body: ResponseBody { try await $0.finish(nil) })
        }
        let body = ProxiedBody(
            upstream: answer.body,
            stall: service.timeouts.stall,
            service: service.name,
            requestID: context.requestID,
            logger: proxy.logger
        )
        return Response(status: answer.status, headers: headers, body: body.responseBody)
    }

    private func upgrade(_ ticket: Ticket) async throws -> Response {
        switch try await upstream.proxy.upgrade(wireRequest(ticket), on: context.channel.eventLoop) {
        case .refused(let answer): return try await passOn(answer, ticket)
        case .upgraded(let tunnel):
            do {
                try await settle(ticket)
                try await tunnel.join(context.channel)
            } catch {
                tunnel.close()
                throw error
            }
            var headers = tunnel.head.headerFields
            upstream.responseHeaders.apply(to: &headers)
            if ticket.isTold { annotate(&headers, ticket, isCharged: true) }
            return Response(
                status: .switchingProtocols,
                headers: headers,
                body: ResponseBody { _ in await tunnel.run() }
            )
        }
    }

    // MARK: The request as the backend sees it

    private func wireRequest(_ ticket: Ticket) -> UpstreamRequest {
        var headers = ForwardedHeaders.request(request.headers)
        headers[.xForwardedFor] = context.client?.description
        headers[.xForwardedProto] = forwardedScheme
        headers[.xForwardedHost] = request.head.authority
        headers[.requestID] = context.requestID
        upstream.requestHeaders.apply(to: &headers)
        if let token = ticket.terms.token {
            headers[.l402TokenID] = token.name
            headers[.l402PaymentHash] = token.paymentHash.hex
            headers[.l402Tier] = String(token.tier)
        }
        return UpstreamRequest(
            method: request.method,
            path: finding.forwardedPath,
            query: request.uri.query,
            headers: headers,
            body: bodyLength == 0 ? nil : requestBody.map { RequestBody(buffer: $0) } ?? request.body,
            bodyLength: bodyLength,
            bodyLimit: service.bodyLimit
        )
    }

    /// What a trusted proxy says, else that it came as it did: in the clear.
    private var forwardedScheme: String {
        guard proxy.addressRule.isFromTrustedProxy(context.peer?.address),
            let scheme = request.headers[.xForwardedProto]?.lowercased(), ["http", "https"].contains(scheme)
        else { return "http" }
        return scheme
    }

    // MARK: Money

    func settle(_ ticket: Ticket, answer: StoredAnswer? = nil) async throws(APIError) {
        guard let gate = proxy.gate else { return }
        let isSettled = await Task { await gate.settle(ticket.grant, ticket.terms, answer: answer) }.value
        guard isSettled else {
            throw APIError.retryLater(.serviceUnavailable, "The request took too long to be accounted for.", seconds: 1)
        }
    }

    private func giveBack(_ ticket: Ticket) async {
        let (gate, allowances) = (proxy.gate, proxy.services.allowances)
        // Must not stop halfway when the client hangs up.
        await Task {
            await gate?.release(ticket.grant, ticket.terms)
            if let use = ticket.use { await allowances?.giveBack(use) }
        }.value
    }

    private func annotate(_ headers: inout HTTPFields, _ ticket: Ticket, isCharged: Bool) {
        headers = PaidAnswer.annotated(APIResponse(headers: headers), ticket.terms, isCharged: isCharged).headers
    }

    // MARK: Errors

    private func apiError(_ error: any Error) -> any Error {
        guard let failure = error as? UpstreamError else { return error }
        Counter(
            label: "proxy_upstream_errors_total",
            dimensions: [("service", service.name), ("kind", failure.label)]
        ).increment()
        switch failure {
        case .requestBodyTooLarge:
            return APIError(.payloadTooLarge, "The body is larger than \(service.bodyLimit) bytes.")
        case .requestBodyBroken:
            return APIError(.malformedRequest, "The body ended too early or cannot be read.")
        case .timedOut(let phase) where phase != .connect:
            log(failure)
            return APIError(.gatewayTimeout, "The service did not answer in time; nothing was charged.")
        case .unreachable, .timedOut, .tls, .badAnswer, .cancelled:
            log(failure)
            return APIError(.badGateway, "The service cannot be reached or does not answer; nothing was charged.")
        }
    }

    private func log(_ failure: UpstreamError) {
        proxy.logger.warning(
            "a backend failed",
            metadata: [
                "request.id": "\(context.requestID)", "proxy.service": "\(service.name)", "proxy.error": "\(failure)",
            ]
        )
    }
}
