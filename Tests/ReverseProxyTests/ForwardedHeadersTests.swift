// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import ReverseProxy
import Testing

@Suite("Headers that pass a proxy")
struct ForwardedHeadersTests {
    private func fields(_ values: [(String, String)]) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in values {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }

    @Test(
        "what pays, what belongs to one connection and what only a proxy may say does not reach the backend",
        arguments: [
            ("Authorization", "L402 a:b"), ("Authorization", "lsat a:b"), ("Authorization", "  Payment x"),
            ("Authorization", "Bearer x, L402 a:b"), ("X-L402", "L402 a:b"), ("Macaroon", "00"),
            ("Grpc-Metadata-Macaroon", "00"), ("grpc_metadata_macaroon", "00"), ("X-Operator-Token", "t"),
            ("L402-Token-Id", "x"), ("l402_token_id", "x"), ("L402-Payment-Hash", "x"), ("L402-Tier", "9"),
            ("Keep-Alive", "1"), ("TE", "trailers"), ("Upgrade", "h2c"), ("Proxy-Authorization", "x"),
            ("X-Forwarded-For", "1.2.3.4"), ("X_Forwarded_For", "1.2.3.4"), ("Forwarded", "for=1.2.3.4"),
            ("Content-Length", "1"), ("Transfer-Encoding", "chunked"), ("Host", "x"), ("Expect", "100-continue"),
        ]
    )
    func stripped(name: String, value: String) {
        let passed = ForwardedHeaders.request(fields([(name, value), ("Accept", "*/*")]))
        #expect(passed.map(\.name.canonicalName) == ["accept"])
    }

    @Test("what Connection lists goes too, whatever its case")
    func listed() {
        let passed = ForwardedHeaders.request(
            fields([
                ("Connection", "close, X-ONE"), ("Connection", "x-two"), ("x-one", "1"), ("X-Two", "2"), ("X-3", "3"),
            ])
        )
        #expect(passed.map(\.name.canonicalName) == ["x-3"])
    }

    @Test("credentials of the backend's own pass")
    func ownCredentials() {
        let passed = ForwardedHeaders.request(fields([("Authorization", "Bearer L402"), ("Cookie", "a=b")]))
        #expect(passed.map(\.value) == ["Bearer L402", "a=b"])
        #expect(!ForwardedHeaders.holdsCredential(passed))
        #expect(ForwardedHeaders.holdsCredential(fields([("Macaroon", "00")])))
        #expect(!ForwardedHeaders.holdsCredential(fields([("L402-Tier", "1")])))
    }

    @Test("an answer keeps its length and loses what belongs to the connection")
    func answers() {
        let passed = ForwardedHeaders.response(
            fields([
                ("Connection", "x-a"), ("X-A", "1"), ("Content-Length", "5"), ("Transfer-Encoding", "chunked"),
                ("ETag", "e"),
            ])
        )
        #expect(passed.map(\.name.canonicalName) == ["content-length", "etag"])
    }

    @Test("a WebSocket upgrade is GET with both headers")
    func upgrades() {
        let asked = fields([("Connection", "keep-alive, Upgrade"), ("Upgrade", "WebSocket")])
        #expect(ForwardedHeaders.isWebSocketUpgrade(.get, asked))
        #expect(!ForwardedHeaders.isWebSocketUpgrade(.post, asked))
        #expect(!ForwardedHeaders.isWebSocketUpgrade(.get, fields([("Upgrade", "websocket")])))
        #expect(!ForwardedHeaders.isWebSocketUpgrade(.get, fields([("Connection", "Upgrade"), ("Upgrade", "h2c")])))
    }
}
