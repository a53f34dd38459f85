// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import NIOCore

/// A request as the backend gets it.
public struct UpstreamRequest: Sendable {
    /// The parts of a body, each asked for when the one before has been sent.
    public typealias Body = any AsyncSequence<ByteBuffer, any Error> & Sendable

    public var method: HTTPRequest.Method
    /// Percent-encoded, beginning with `/`.
    public var path: String
    /// Without `?`; as received.
    public var query: String?
    public var headers: HTTPFields
    /// `nil` when there is none.
    public var body: Body?
    /// The body's length; `nil` sends it in chunks.
    public var bodyLength: Int?
    /// Bytes the body may have.
    public var bodyLimit: Int

    public init(
        method: HTTPRequest.Method,
        path: String,
        query: String? = nil,
        headers: HTTPFields,
        body: Body? = nil,
        bodyLength: Int? = nil,
        bodyLimit: Int = .max
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.bodyLength = bodyLength
        self.bodyLimit = bodyLimit
    }

    /// Path and query as they stand in a URL: what a URL may not hold is encoded, what is encoded stays.
    var target: String {
        guard let query else { return path }
        var text = path + "?"
        for byte in query.utf8 {
            if (0x21...0x7E).contains(byte), !"\"#<>[]\\^`{|}".utf8.contains(byte) {
                text.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                text += hex.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return text
    }

    /// Whether it may be sent again when nothing of an answer has come (RFC 9110 section 9.2.2).
    var isRepeatable: Bool { body == nil && [.get, .head, .options].contains(method) }
}
