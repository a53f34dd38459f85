// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import KeyShareProtocol

/// The description as a page that needs no script, and nothing of other hosts.
enum APIPage {
    static func html(prefix: String) -> String {
        let rows = RouteDescription.all.map { row($0, prefix) }.joined(separator: "\n")
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(APIDescription.title)</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>
            body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}
            details{border:1px solid #ccc;border-radius:4px;margin:.4rem 0;padding:.4rem .8rem}
            summary{cursor:pointer} code,pre{font:13px/1.5 ui-monospace,monospace}
            pre{background:#f4f4f4;padding:.6rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
            b{display:inline-block;min-width:3.5rem}
            @media (prefers-color-scheme:dark){body{color:#e6e6e6;background:#151515}pre{background:#222}details{border-color:#444}a{color:#8bf}}
            </style></head><body>
            <h1>\(APIDescription.title)</h1>
            <p>The same for programs: <a href="\(prefix)/api_docs/openapi.json">openapi.json</a> (OpenAPI 3.0.0).
            Failures are <code>{"success":false,"code":"…","msg":"…"}</code>; every answer carries X-Request-Id.</p>
            \(rows)
            </body></html>
            """
    }

    private static func row(_ route: RouteDescription, _ prefix: String) -> String {
        let path = escaped((prefix + route.endpoint.template))
        var parts = [
            "<details><summary><b>\(route.endpoint.method.rawValue)</b> <code>\(path)</code> \(escaped(route.summary))</summary>"
        ]
        if let body = route.body { parts.append("<p>Body</p><pre>\(escaped(body))</pre>") }
        if let answer = route.answer { parts.append("<p>200</p><pre>\(escaped(answer))</pre>") }
        if !route.codes.isEmpty {
            let codes = route.codes.map { "\($0.status) \($0.rawValue)" }.joined(separator: ", ")
            parts.append("<p>Refusals: \(codes)</p>")
        }
        return parts.joined() + "</details>"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
