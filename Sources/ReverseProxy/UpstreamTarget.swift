// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Where requests are forwarded to, and how long it may take.
public struct UpstreamTarget: Sendable, Hashable {
    public var isSecure: Bool
    /// A name or an address, without brackets.
    public var host: String
    public var port: Int
    /// The name the certificate must have, when it is not the host.
    public var serverName: String?
    /// Authorities in PEM, instead of the system's.
    public var authorities: [UInt8]?
    public var connectTimeout: Duration = .seconds(5)
    /// From the last byte of a request to the head of its answer.
    public var responseTimeout: Duration = .seconds(30)
    /// Between two parts of an answer's body.
    public var stallTimeout: Duration = .seconds(30)
    /// The whole exchange; `nil` for no limit.
    public var totalTimeout: Duration?
    /// How long an upgraded connection may be silent in both directions.
    public var tunnelIdleTimeout: Duration = .seconds(600)
    /// Connections at a time; further requests wait for one as long as `connectTimeout`.
    public var connections = 512

    public init(isSecure: Bool, host: String, port: Int) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
    }

    /// The host as it stands in URLs and in `Host`.
    public var authority: String {
        let name = serverName ?? host
        let bracketed = name.contains(":") ? "[\(name)]" : name
        return port == (isSecure ? 443 : 80) ? bracketed : "\(bracketed):\(port)"
    }
}
