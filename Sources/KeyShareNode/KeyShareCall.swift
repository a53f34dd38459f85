// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One HTTP call, after what HTTP itself checks.
public struct KeyShareCall: Sendable {
    /// The token of `Authorization: Bearer`.
    public var bearer: String?
    /// `X-KS-Session`, of version 3.
    public var session: String?
    /// `X-KS-Signature`, of version 3.
    public var signature: String?
    public var body: [UInt8]
    /// The client's address; the audit has a pseudonym of it.
    public var peer: String

    public init(
        bearer: String? = nil,
        session: String? = nil,
        signature: String? = nil,
        body: [UInt8],
        peer: String
    ) {
        self.bearer = bearer
        self.session = session
        self.signature = signature
        self.body = body
        self.peer = peer
    }
}
