// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

/// What passes from one side of a proxy to the other (RFC 9110 section 7.6.1).
public enum ForwardedHeaders {
    /// Headers of one connection, and those that frame messages; made anew on the other side.
    private static let hopByHop: Set<String> = [
        "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
    ]

    /// What only a proxy may say of a client.
    private static let claims: Set<String> = [
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip",
    ]

    /// What pays for a request or lets the operator through; the backend has no use for it and must not keep it.
    private static let credentials: Set<String> = [
        "grpc-metadata-macaroon", "l402-payment-hash", "l402-tier", "l402-token-id", "macaroon", "x-l402",
        "x-operator-token",
    ]

    /// The headers of a request that its backend may see.
    public static func request(_ headers: HTTPFields) -> HTTPFields {
        let listed = connectionOptions(headers)
        return headers.filter { field in
            let name = folded(field.name)
            guard !hopByHop.contains(name), !listed.contains(name), !claims.contains(name),
                !credentials.contains(name)
            else { return false }
            return name != "authorization" || !holdsPayment(field.value)
        }
    }

    /// Whether a request holds anything that may pay for it or let an operator through.
    public static func holdsCredential(_ headers: HTTPFields) -> Bool {
        headers.contains { field in
            let name = folded(field.name)
            return credentials.contains(name) && !name.hasPrefix("l402-")
                || name == "authorization" && holdsPayment(field.value)
        }
    }

    /// The headers of an answer that its client may see; `Content-Length` stays, because the body passes unchanged.
    public static func response(_ headers: HTTPFields) -> HTTPFields {
        let listed = connectionOptions(headers)
        return headers.filter { field in
            let name = folded(field.name)
            return name == "content-length" || !hopByHop.contains(name) && !listed.contains(name)
        }
    }

    /// Whether a request asks to become a WebSocket (RFC 6455 section 4.1).
    public static func isWebSocketUpgrade(_ method: HTTPRequest.Method, _ headers: HTTPFields) -> Bool {
        method == .get && connectionOptions(headers).contains("upgrade")
            && headers[values: .upgrade].contains { $0.lowercased().trimmingSpaces() == "websocket" }
    }

    private static func connectionOptions(_ headers: HTTPFields) -> Set<String> {
        Set(headers[values: .connection].flatMap { $0.split(separator: ",") }.map { $0.lowercased().trimmingSpaces() })
    }

    /// Lower case, and `_` as `-`: gateways to CGI and its kin cannot tell the two apart.
    private static func folded(_ name: HTTPField.Name) -> String {
        name.canonicalName.replacing("_", with: "-")
    }

    /// Whether a line of `Authorization` pays; a line with several schemes goes as a whole.
    private static func holdsPayment(_ value: String) -> Bool {
        value.split(separator: ",").contains { part in
            let word = part.trimmingPrefix { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }.lowercased()
            return ["l402", "lsat", "payment"].contains(word)
        }
    }
}

extension String {
    func trimmingSpaces() -> String {
        var text = self[...].drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}
