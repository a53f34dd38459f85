// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IPAddresses

/// How a key share node is reached over HTTP.
public struct KeyShareServerConfiguration: Sendable {
    /// An address to listen on.
    public struct Address: Sendable, Hashable {
        public let host: String
        /// 0 picks a free one.
        public let port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }

        /// Reads `host:port`, with an IPv6 address in brackets.
        public init?(_ text: String) {
            guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
                (0...65_535).contains(port)
            else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                return nil
            }
            guard !host.isEmpty else { return nil }
            self.init(host: String(host), port: port)
        }
    }

    public var main = Address(host: "127.0.0.1", port: 4201)
    /// Where the administrator's routes are; `nil` for the main address.
    public var administration: Address? = Address(host: "127.0.0.1", port: 4301)
    /// Proxies whose `X-Forwarded-For` is believed.
    public var trustedProxies: [IPNetwork] = []
    public var maxConnections = 4096
    /// Requests of one address in a minute.
    public var requestsPerMinute = 100
    /// How long a request's head may take to arrive.
    public var headTimeout: Duration = .seconds(10)
    /// How long a request's body may take to arrive.
    public var bodyTimeout: Duration = .seconds(15)
    /// How long the answer to a share route may take.
    public var requestTimeout: Duration = .seconds(20)
    /// Whose pages may read the answers of share routes.
    public var origins = OriginRule.any
    /// What stands before every path on a shared port: nothing, or `/ks`.
    public var prefix = ""
    /// The key of the HMAC that `check` needs; `nil` lets anyone ask.
    public var checkKey: String?
    /// The bearers of other nodes that may put backups here, by the node's name.
    public var offsitePeers: [String: String] = [:]
    public var version = ""
    /// The commit that was built; `nil` when it is not known.
    public var commit: String?
    /// UTC with milliseconds.
    public var launchTime = ""
    /// How long `/status` may repeat what the store has said at the most; a store that answers fast is asked sooner.
    public var statusAge: Duration = .seconds(1)

    public init() {}
}
