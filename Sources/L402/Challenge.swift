// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import Macaroons

/// What an unpaid request is answered with: a token that becomes valid once its invoice is paid.
public struct Challenge: Sendable, Hashable {
    public let macaroon: Macaroon
    /// The BOLT 11 text, lower case.
    public let invoice: String

    public init(macaroon: Macaroon, invoice: String) {
        self.macaroon = macaroon
        self.invoice = invoice
    }

    /// The token in standard base64 with padding.
    public var token: String { Base64.encode(macaroon.serialized()) }

    /// The value of the one `WWW-Authenticate` line.
    ///
    /// `macaroon` directly after the scheme and `invoice` directly after it, because several clients use a fixed
    /// pattern; `version` and `token` follow for readers of the 2026 L402 document.
    public var headerValue: String {
        let token = token
        return "L402 macaroon=\"\(token)\", invoice=\"\(invoice)\", version=\"0\", token=\"\(token)\""
    }
}
