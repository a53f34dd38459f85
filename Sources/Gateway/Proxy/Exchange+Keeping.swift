// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
internal import Gate
internal import HTTPTypes
internal import Hummingbird
internal import Ledger
internal import NIOCore
internal import ReverseProxy
internal import ServiceCatalogue

/// Short bodies are held as a whole where something depends on all of their bytes: a receipt, or the answer that a
/// repeated `Idempotency-Key` gets. Everything else streams.
extension Exchange {
    /// The longest body that is held, in bytes.
    private static let shortBody = Ledger.answerLimit

    /// Reads a request's body before admission if its hash is needed; `nil` when it is passed on as it comes.
    func readShortBody() async throws -> ByteBuffer? {
        let key = request.headers[.idempotencyKey]
        if let key, !IdempotentRequest.isKey(key) {
            throw APIError(
                .validationError,
                "Idempotency-Key must have 1 to 64 visible ASCII characters.",
                details: ["field": "Idempotency-Key"]
            )
        }
        guard key != nil || proxy.receipts.signer != nil, let bodyLength, bodyLength <= Self.shortBody,
            !ForwardedHeaders.isWebSocketUpgrade(request.method, request.headers)
        else { return nil }
        guard bodyLength > 0 else { return ByteBuffer() }
        let source = request.body
        do {
            return try await withDeadline(service.timeouts.stall) { try await source.collect(upTo: Self.shortBody) }
        } catch is DeadlineExceeded {
            throw APIError(.requestTimeout, "The body did not arrive in time.")
        } catch {
            throw APIError(.malformedRequest, "The body ended too early or cannot be read.")
        }
    }

    /// A short answer to a paid request, signed, and kept for repetitions; `nil` when it is streamed.
    ///
    /// - Parameter hasBody: false for answers that never have one, whatever their headers say.
    func keep(_ answer: UpstreamResponse, _ ticket: Ticket, hasBody: Bool) async throws -> Response? {
        guard case .paid = ticket.grant, let requestBody else { return nil }
        let length = answer.headers[.contentLength].flatMap { Int($0) } ?? .max
        guard !hasBody || length <= Self.shortBody else { return nil }
        let body = hasBody ? try await collect(answer) : ByteBuffer()
        var headers = answer.headers
        upstream.responseHeaders.apply(to: &headers)
        var response = APIResponse(status: answer.status, headers: headers, body: body)
        response = PaidAnswer.annotated(response, ticket.terms, isCharged: true)
        response = await proxy.receipts.sign(
            response,
            method: request.method,
            target: request.uri.string,
            body: requestBody,
            ticket.terms
        )
        try await settle(ticket, answer: ticket.terms.keepsAnswer ? PaidAnswer.stored(response) : nil)
        return response.response
    }

    private func collect(_ answer: UpstreamResponse) async throws -> ByteBuffer {
        let source = answer.body
        do {
            return try await withDeadline(service.timeouts.stall) {
                var body = ByteBuffer()
                for try await part in source {
                    guard body.readableBytes + part.readableBytes <= Self.shortBody else {
                        throw UpstreamError.badAnswer("it is longer than it said")
                    }
                    body.writeImmutableBuffer(part)
                }
                return body
            }
        } catch is DeadlineExceeded {
            throw UpstreamError.timedOut(.stall)
        }
    }
}
