// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Pomade

/// Makes the answers of a signer: always JSON, always with the headers that let browsers read it.
enum SignerAnswer {
    static let fields: HTTPFields = [
        .accessControlAllowOrigin: "*",
        .accessControlAllowMethods: "POST, OPTIONS",
        .accessControlAllowHeaders: "Content-Type, Authorization",
        .accessControlMaxAge: "86400",
    ]

    static var preflight: Response { Response(status: .noContent, headers: fields) }

    /// A route's success.
    static func success(_ content: some Encodable & Sendable, _ message: String) throws -> Response {
        json(try encoder.encode(PomadeAnswer(message: message, content: content)), status: .ok)
    }

    /// A refusal, with the status of its kind.
    static func failure(_ failure: SignerFailure) -> Response {
        let answer = PomadeAnswer<PomadeContent.Nothing>(failure)
        let text = (try? encoder.encode(answer)) ?? Data(#"{"ok":false,"message":"","code":"internal"}"#.utf8)
        var response = json(text, status: HTTPResponse.Status(code: failure.code.status))
        if let seconds = failure.retryAfter, failure.code == .throttled {
            response.headers[.retryAfter] = String(seconds)
        }
        if failure.code == .methodNotAllowed { response.headers[.allow] = "POST, OPTIONS" }
        return response
    }

    private static func json(_ text: Data, status: HTTPResponse.Status) -> Response {
        var headers = fields
        headers[.contentType] = "application/json"
        headers[.cacheControl] = "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: text)))
    }

    /// A small page for who follows a link of a mail; nothing is done before its button is pressed.
    static func page(_ title: String, _ text: String, button: String? = nil, status: HTTPResponse.Status = .ok)
        -> Response
    {
        let form = button.map { "<form method=\"post\"><button>\($0)</button></form>" } ?? ""
        let html = """
            <!doctype html><html lang="en"><meta charset="utf-8"><title>\(title)</title>            <meta name="viewport" content="width=device-width"><h1>\(title)</h1><p>\(text)</p>\(form)</html>
            """
        let headers: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            .contentSecurityPolicy: "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
            HTTPField.Name("Referrer-Policy") ?? .date: "no-referrer",
        ]
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
    }

    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return encoder
    }()
}
