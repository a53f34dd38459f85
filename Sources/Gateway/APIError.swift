// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

/// An error as a client sees it: status, code and a sentence that says what to do.
///
/// The codes are those of the SatRank API, so that its clients keep working.
public struct APIError: Error, Sendable {
    /// The closed set of codes.
    public enum Code: String, Sendable {
        case validationError = "VALIDATION_ERROR"
        case malformedRequest = "MALFORMED_REQUEST"
        case invalidAuth = "INVALID_AUTH"
        case unauthorized = "UNAUTHORIZED"
        case forbidden = "FORBIDDEN"
        case paymentRequired = "PAYMENT_REQUIRED"
        case notFound = "NOT_FOUND"
        case methodNotAllowed = "METHOD_NOT_ALLOWED"
        case endpointRemoved = "ENDPOINT_REMOVED"
        case requestTimeout = "REQUEST_TIMEOUT"
        case payloadTooLarge = "PAYLOAD_TOO_LARGE"
        case unsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
        case headerTooLarge = "HEADER_TOO_LARGE"
        case conflict = "CONFLICT"
        case rateLimited = "RATE_LIMITED"
        case probeRateLimited = "PROBE_RATE_LIMITED"
        case probeUnavailable = "PROBE_UNAVAILABLE"
        case internalError = "INTERNAL_ERROR"
        case serviceUnavailable = "SERVICE_UNAVAILABLE"
        case paymentPending = "PAYMENT_PENDING"
        case badGateway = "BAD_GATEWAY"
        case lengthRequired = "LENGTH_REQUIRED"
        case gatewayTimeout = "GATEWAY_TIMEOUT"
        // Roughtime's reasons keep the names that its metrics have.
        case malformed
        case version
        case srv
        case consistent
        case unsynchronised
        case noDelegation = "no_delegation"

        var status: HTTPResponse.Status {
            switch self {
            case .validationError, .malformedRequest, .malformed: .badRequest
            case .version, .srv, .consistent: .unprocessableContent
            case .invalidAuth, .unauthorized: .unauthorized
            case .forbidden: .forbidden
            case .paymentRequired: .paymentRequired
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .endpointRemoved: .gone
            case .requestTimeout: .requestTimeout
            case .payloadTooLarge: .contentTooLarge
            case .unsupportedMediaType: .unsupportedMediaType
            case .headerTooLarge: .requestHeaderFieldsTooLarge
            case .conflict: .conflict
            case .rateLimited, .probeRateLimited: .tooManyRequests
            case .internalError: .internalServerError
            case .serviceUnavailable, .paymentPending, .probeUnavailable, .unsynchronised, .noDelegation:
                .serviceUnavailable
            case .badGateway: .badGateway
            case .lengthRequired: .lengthRequired
            case .gatewayTimeout: .gatewayTimeout
            }
        }
    }

    public let code: Code
    public let message: String
    /// More about the error by name, such as the field that is wrong.
    public var details: [String: String]?
    public var headers: HTTPFields = [:]

    public init(_ code: Code, _ message: String, details: [String: String]? = nil, headers: HTTPFields = [:]) {
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers
    }

    /// A resource that does not exist.
    static func notFound(_ resource: String) -> APIError {
        APIError(.notFound, "No such \(resource).", details: ["resource": resource])
    }

    /// A refusal that the client can heal by waiting.
    static func retryLater(_ code: Code, _ message: String, seconds: Int) -> APIError {
        APIError(code, message, headers: [.retryAfter: String(max(1, seconds))])
    }
}

extension HTTPResponse.Status {
    /// 402, RFC 9110 section 15.5.3.
    static let paymentRequired = Self(code: 402, reasonPhrase: "Payment Required")
}
