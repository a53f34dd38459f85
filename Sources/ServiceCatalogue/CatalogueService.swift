// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// One HTTP service behind the gate.
public struct CatalogueService: Sendable, Hashable {
    /// Where requests go.
    public struct Backend: Sendable, Hashable, CustomStringConvertible {
        public let isSecure: Bool
        /// A name or an address, without brackets.
        public let host: String
        public let port: Int
        /// What stands before every forwarded path: empty, or `/...` without a final slash; percent-encoded.
        public let path: String

        public init(isSecure: Bool, host: String, port: Int, path: String) {
            self.isSecure = isSecure
            self.host = host
            self.port = port
            self.path = path
        }

        /// The `Host` of a request to it, for a host of another name if one is given.
        public func authority(as name: String? = nil) -> String {
            let host = name ?? self.host
            let bracketed = host.contains(":") ? "[\(host)]" : host
            return port == (isSecure ? 443 : 80) ? bracketed : "\(bracketed):\(port)"
        }

        public var description: String { "\(isSecure ? "https" : "http")://\(authority())\(path)" }
    }

    /// How the backend's certificate is verified; it always is.
    public struct TLS: Sendable, Hashable {
        /// Authorities in PEM, instead of the system's.
        public var authorityFile: String?
        /// The name the certificate must have, instead of the backend's host.
        public var serverName: String?

        public init(authorityFile: String? = nil, serverName: String? = nil) {
            self.authorityFile = authorityFile
            self.serverName = serverName
        }
    }

    /// How long the backend may take.
    public struct Timeouts: Sendable, Hashable {
        public var connect: Duration = .seconds(5)
        /// From the last byte of the request to the head of the answer.
        public var response: Duration = .seconds(30)
        /// Between two parts of the answer's body.
        public var stall: Duration = .seconds(30)
        /// How long a WebSocket may be silent in both directions.
        public var idle: Duration = .seconds(600)
        /// The whole exchange; `nil` for no limit, which streams need.
        public var total: Duration?

        public init() {}
    }

    /// A header's value.
    public enum HeaderValue: Sendable, Hashable {
        case text(String)
        /// The contents of a file, without the final line break; never shown.
        case file(String)
    }

    /// A header that is set.
    public struct HeaderSetting: Sendable, Hashable {
        public let name: String
        public let value: HeaderValue

        public init(name: String, value: HeaderValue) {
            self.name = name
            self.value = value
        }
    }

    /// What is changed in headers: first removed, then set.
    public struct HeaderRules: Sendable, Hashable {
        public var set: [HeaderSetting] = []
        public var remove: [String] = []

        public init() {}
    }

    /// Requests per second of all clients together; `nil` for no limit.
    public struct Limits: Sendable, Hashable {
        public var requestsPerSecond: Int?
        public var challengesPerSecond: Int?

        public init() {}
    }

    /// The name in tokens: `services=name:tier`.
    public let name: String
    /// The hosts answered for; any when empty.
    public let hosts: [HostPattern]
    public let backend: Backend
    public let tls: TLS
    public let timeouts: Timeouts
    public let requestHeaders: HeaderRules
    public let responseHeaders: HeaderRules
    /// Leading segments that the backend does not get to see.
    public let strippedPrefix: [String]
    /// Bytes of a request's body.
    public let bodyLimit: Int
    /// Seconds a token lives after its invoice's expiry; `nil` for the gate's default.
    public let tokenLifetimeSeconds: Int64?
    /// Free requests per client network (IPv4 /24, IPv6 /48) and UTC day.
    public let freePerDay: Int
    public let limits: Limits
    public let routes: [CatalogueRoute]

    /// The files whose contents are needed: authorities and header values.
    public var files: [String] {
        (tls.authorityFile.map { [$0] } ?? [])
            + (requestHeaders.set + responseHeaders.set).compactMap { setting in
                if case .file(let path) = setting.value { path } else { nil }
            }
    }
}
