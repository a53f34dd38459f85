// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// The parts of a signer's URL.
public struct SignerAddress: Sendable, Hashable {
    public let scheme: String
    /// Host and port as a request's `Host` names them, in lower case.
    public let authority: String
    /// The same with the port in any case.
    let authorityWithPort: String
    /// The path before every route, or nothing.
    public let prefix: String

    /// Reads `http://host[:port][/path]` or https; `nil` with a slash at the end, a query or anything else.
    public init?(_ text: String) {
        guard let parts = URLComponents(string: text), let scheme = parts.scheme, ["http", "https"].contains(scheme),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.query == nil, parts.fragment == nil,
            !text.hasSuffix("/"), !parts.percentEncodedPath.contains("//")
        else { return nil }
        self.scheme = scheme
        authority = host.lowercased() + (parts.port.map { ":\($0)" } ?? "")
        authorityWithPort = host.lowercased() + ":\(parts.port ?? (scheme == "https" ? 443 : 80))"
        prefix = parts.percentEncodedPath
    }
}
