// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import IPAddresses

/// What the gate needs to know of a request.
public struct GateRequest: Sendable {
    /// The request's id, for logs.
    public let id: String
    public let method: String
    /// The path as received, without the query.
    public let path: String
    /// Path and query as received.
    public let target: String
    /// SHA-256 of the body; `nil` when the body is not read before admission, which makes it unknown.
    public let bodyDigest: [UInt8]?
    /// Whether a charge of the Payment scheme is for this very body; not where bodies are usually unknown.
    public let isBodyBound: Bool
    public let clientAddress: IPAddress?
    /// All values of a header, given its name in lower case.
    public let header: @Sendable (String) -> [String]

    public init(
        id: String,
        method: String,
        path: String,
        target: String? = nil,
        bodyDigest: [UInt8]? = nil,
        isBodyBound: Bool = true,
        clientAddress: IPAddress?,
        header: @escaping @Sendable (String) -> [String]
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.target = target ?? path
        self.bodyDigest = bodyDigest
        self.isBodyBound = isBodyBound
        self.clientAddress = clientAddress
        self.header = header
    }

    /// The `Idempotency-Key`; `nil` when there is none or the body is unknown.
    var idempotencyKey: String? { bodyDigest == nil ? nil : header("idempotency-key").first }

    /// Tells this request from others: SHA-256 of method, target and body.
    var fingerprint: [UInt8] {
        let head = Array("\(method) \(target)\n".utf8)
        return Array(SHA256.hash(data: head + (bodyDigest ?? [])))
    }
}
