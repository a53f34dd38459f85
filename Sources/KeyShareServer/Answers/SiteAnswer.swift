// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird
internal import KeyShareProtocol
internal import NIOCore

/// Makes answers in the protocol's envelope, and the few that have none.
enum SiteAnswer {
    /// A success envelope, made already.
    static func success(_ bytes: [UInt8]) -> Response { json(bytes, status: .ok) }

    /// The envelope of a refusal, with the status of its code.
    static func failure(_ failure: KeyShareFailure) -> Response {
        var response = json(KeyShareAnswer.failure(failure), status: HTTPResponse.Status(code: failure.code.status))
        if failure.code == .providerUnavailable || failure.code == .nodeSealed { response.headers[.retryAfter] = "5" }
        if failure.code == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }

    static func json(_ bytes: [UInt8], status: HTTPResponse.Status) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    static func text(_ text: String, type: String, cache: String = "no-store") -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "\(type); charset=utf-8", .cacheControl: cache],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
