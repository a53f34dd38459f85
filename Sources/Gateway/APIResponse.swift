// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import HTTPTypes
internal import Hummingbird
public import LightningPrimitives
public import NIOCore

/// An answer before it goes to the server: status, headers and a whole body.
public struct APIResponse: Sendable {
    public var status: HTTPResponse.Status
    public var headers: HTTPFields
    public var body: ByteBuffer
    /// What a paid request has really cost, where that is known only afterwards; at most the route's price is charged.
    public var meteredPrice: MilliSatoshi?

    public init(status: HTTPResponse.Status = .ok, headers: HTTPFields = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// An answer in JSON, as it is.
    public static func json(
        _ value: some Encodable,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) throws -> APIResponse {
        var headers = headers
        if headers[.contentType] == nil { headers[.contentType] = "application/json; charset=utf-8" }
        return APIResponse(status: status, headers: headers, body: ByteBuffer(bytes: try encoder.encode(value)))
    }

    /// An answer in the success envelope `{"data": ...}`.
    public static func data(
        _ value: some Encodable,
        status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) throws -> APIResponse {
        try json(Envelope(data: value, meta: Optional<String>.none), status: status, headers: headers)
    }

    /// An answer in the success envelope `{"data": ..., "meta": ...}`.
    public static func data(_ value: some Encodable, meta: some Encodable, headers: HTTPFields = [:]) throws
        -> APIResponse
    {
        try json(Envelope(data: value, meta: Optional(meta)), headers: headers)
    }

    /// An answer in plain text.
    public static func text(_ text: String, status: HTTPResponse.Status = .ok) -> APIResponse {
        let headers: HTTPFields = [.contentType: "text/plain; charset=utf-8"]
        return APIResponse(status: status, headers: headers, body: ByteBuffer(string: text))
    }

    /// The error envelope of an error.
    static func error(_ error: APIError, requestID: String) -> APIResponse {
        let body = ErrorEnvelope(
            error: .init(code: error.code.rawValue, message: error.message, details: error.details),
            requestId: requestID
        )
        var headers = error.headers
        headers[.cacheControl] = "no-store"
        let response = try? json(body, status: error.code.status, headers: headers)
        return response ?? APIResponse(status: error.code.status, headers: headers)
    }

    /// The answer as the server sends it.
    var response: Response { Response(status: status, headers: headers, body: .init(byteBuffer: body)) }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        // Sorted keys make answers comparable and entity tags stable.
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

private struct Envelope<Value: Encodable, Meta: Encodable>: Encodable {
    let data: Value
    let meta: Meta?
}

private struct ErrorEnvelope: Encodable {
    struct Body: Encodable {
        let code: String
        let message: String
        let details: [String: String]?
    }
    let error: Body
    let requestId: String
}
