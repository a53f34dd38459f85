// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
internal import L402
internal import LightningPrimitives
internal import PaymentAuthentication

/// Renders what the gate refuses.
///
/// One JSON object serves every client: RFC 9457 members, SatRank's `error` and `data`,
/// and the flat members that clients which read only bodies look for.
enum PaymentRequired {
    private struct Body: Encodable {
        struct Failure: Encodable {
            let code: String
            let message: String
        }
        struct Offer: Encodable {
            let paymentHash: String
            let priceSats: Int64
            let expiresIn: Int
            let expiresAt: Int64
            let invoice: String
            let macaroon: String
            let capability: String
        }
        let type = "https://www.rfc-editor.org/rfc/rfc9110#section-15.5.3"
        let title = "Payment Required"
        let status = 402
        let detail: String
        let code: String
        let error: Failure
        let requestId: String
        var data: Offer?
        var invoice: String?
        var macaroon: String?
        var paymentHash: String?
        var payment_hash: String?
        var amountSats: Int64?
        var priceSats: Int64?
        var amount_sats: Int64?
        var expiresAt: Int64?
        /// The id of the Payment challenge.
        var challengeId: String?
        let `protocol` = "L402"
    }

    /// The answer to a request that is not served now.
    /// - Throws: ``APIError`` for what paying does not heal.
    static func answer(_ admission: Admission, to request: APIRequest) throws -> APIResponse {
        switch admission {
        case .challenged(let issued, let refusal):
            return isGRPC(request) ? grpc(issued) : response(issued, because: refusal, request: request)
        case .refused(let refusal, let seconds):
            throw error(refusal, retryAfterSeconds: seconds)
        case .throttled(let seconds, let puzzle):
            var error = error(Refusal(.rateLimited), retryAfterSeconds: seconds)
            if let puzzle { error.headers[.proofOfWork] = puzzle }
            if isGRPC(request) { return grpcRateLimit(error.headers) }
            throw error
        case .keyInUse(let isUnderWay):
            throw isUnderWay
                ? .retryLater(.conflict, "A request with this Idempotency-Key is under way.", seconds: 1)
                : APIError(.conflict, "This Idempotency-Key belongs to another request.")
        case .headerTooLarge: throw APIError(.headerTooLarge, "The credential is longer than 8192 bytes.")
        case .granted, .replayed: throw APIError(.internalError, "A request that may be served was not.")
        }
    }

    /// Whether a client speaks gRPC, which reads its status from other fields.
    private static func isGRPC(_ request: APIRequest) -> Bool {
        request.headers[.contentType]?.lowercased().hasPrefix("application/grpc") ?? false
    }

    private static func grpc(_ issued: IssuedChallenge) -> APIResponse {
        var headers: HTTPFields = [
            .contentType: "application/grpc", .cacheControl: "no-store", .wwwAuthenticate: issued.headerValue,
        ]
        headers[.grpcStatus] = "13"
        headers[.grpcMessage] = "payment required"
        return APIResponse(headers: headers)
    }

    private static func grpcRateLimit(_ fields: HTTPFields) -> APIResponse {
        var headers = fields
        headers[.contentType] = "application/grpc"
        headers[.grpcStatus] = "8"
        headers[.grpcMessage] = "too many requests"
        return APIResponse(headers: headers)
    }

    /// The 402 answer of a challenge.
    static func response(_ issued: IssuedChallenge, because refusal: Refusal, request: APIRequest) -> APIResponse {
        var body = Body(
            detail: refusal.detail,
            code: refusal.code.rawValue,
            error: .init(code: "PAYMENT_REQUIRED", message: refusal.detail),
            requestId: request.id
        )
        body.challengeId = issued.payment?.id
        if acceptsJSON(request.headers) { add(issued, to: &body) }
        var headers: HTTPFields = [
            .contentType: "application/problem+json",
            .cacheControl: "no-store",
            .wwwAuthenticate: issued.headerValue,
            .l402Price: String(issued.price.satCeiling),
        ]
        headers[.priceMsat] = String(issued.price.msat)
        let response = try? APIResponse.json(body, status: .paymentRequired, headers: headers)
        return response ?? APIResponse(status: .paymentRequired, headers: headers)
    }

    /// The answer of HEAD: the price, without an invoice.
    static func price(_ price: MilliSatoshi) -> APIResponse {
        let headers: HTTPFields = [.cacheControl: "no-store", .l402Price: String(price.satCeiling)]
        return APIResponse(status: .paymentRequired, headers: headers)
    }

    /// The error of a refusal that paying does not heal.
    static func error(_ refusal: Refusal, retryAfterSeconds: Int) -> APIError {
        switch refusal.remedy {
        case .fixCredential, .pay:
            APIError(.invalidAuth, refusal.detail, details: ["code": refusal.code.rawValue], headers: realm)
        case .slowDown: refused(.rateLimited, refusal, retryAfterSeconds)
        case .wait:
            refused(refusal.code == .notSettled ? .paymentPending : .serviceUnavailable, refusal, retryAfterSeconds)
        }
    }

    /// The error of a credential on a route where nothing can be bought, so that there is no challenge.
    static func credentialError(_ refusal: Refusal) -> APIError {
        switch refusal.remedy {
        case .wait, .slowDown: error(refusal, retryAfterSeconds: refusal.code == .notSettled ? 1 : 5)
        case .fixCredential, .pay:
            APIError(
                .invalidAuth,
                refusal.code == .noCredential ? tokenNeeded : refusal.detail,
                details: ["code": refusal.code.rawValue],
                headers: realm
            )
        }
    }

    /// There is no invoice to be paid: the route tells about a token that its caller has.
    private static let tokenNeeded =
        "A token is needed: send it as 'Authorization: L402 <token>:<preimage as 64 hex digits>'."

    private static let realm: HTTPFields = [.wwwAuthenticate: "L402 realm=\"assay\""]

    private static func refused(_ code: APIError.Code, _ refusal: Refusal, _ seconds: Int) -> APIError {
        var error = APIError.retryLater(code, refusal.detail, seconds: seconds)
        error.details = ["code": refusal.code.rawValue]
        return error
    }

    private static func add(_ issued: IssuedChallenge, to body: inout Body) {
        let token = issued.challenge.token
        let sats = issued.price.satCeiling
        body.data = Body.Offer(
            paymentHash: issued.paymentHash.hex,
            priceSats: sats,
            expiresIn: issued.expiresIn,
            expiresAt: issued.expiresAt,
            invoice: issued.challenge.invoice,
            macaroon: token,
            capability: issued.capability
        )
        body.invoice = issued.challenge.invoice
        body.macaroon = token
        body.paymentHash = issued.paymentHash.hex
        body.payment_hash = issued.paymentHash.hex
        body.amountSats = sats
        body.priceSats = sats
        body.amount_sats = sats
        body.expiresAt = issued.expiresAt
    }

    /// Whether the client says that it reads JSON; scanners that say nothing get no random base64 to search for words.
    static func acceptsJSON(_ headers: HTTPFields) -> Bool {
        headers[values: .accept].flatMap { $0.split(separator: ",") }.contains { range in
            let type = range.split(separator: ";").first?.trimmingCharacters(in: .whitespaces).lowercased() ?? ""
            return type == "*/*" || type == "application/*" || type == "application/json"
                || (type.hasPrefix("application/") && type.hasSuffix("+json"))
        }
    }
}
