// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Where a server answers.
public enum Endpoint: Hashable, Sendable, CustomStringConvertible {
    case udp(host: String, port: UInt16)
    case tcp(host: String, port: UInt16)
    /// A URL that takes requests by POST.
    case http(String)

    /// The name of the transport, for people.
    public var transport: String {
        switch self {
        case .udp: "udp"
        case .tcp: "tcp"
        case .http: "http"
        }
    }

    public var description: String {
        switch self {
        case .udp(let host, let port): "udp://" + HostPort.join(host, port)
        case .tcp(let host, let port): "tcp://" + HostPort.join(host, port)
        case .http(let url): url
        }
    }

    init(_ address: ServerEntry.Address) {
        switch address.transport {
        case .udp: self = .udp(host: address.host, port: address.port)
        case .tcp: self = .tcp(host: address.host, port: address.port)
        }
    }
}

/// A server to ask: its key, where it answers and what to offer it.
public struct TimeServer: Sendable, Equatable {
    public var name: String
    /// Whom it belongs to; a quorum wants several.
    public var operatorName: String
    /// The long-term key, 32 bytes.
    public var publicKey: [UInt8]
    public var endpoints: [Endpoint]
    public var offers: VersionOffers

    public init(
        name: String,
        operatorName: String? = nil,
        publicKey: [UInt8],
        endpoints: [Endpoint],
        offers: VersionOffers = .automatic(listed: nil)
    ) {
        self.name = name
        self.operatorName = operatorName ?? name
        self.publicKey = publicKey
        self.endpoints = endpoints
        self.offers = offers
    }

    /// A server of a list.
    public init(_ entry: ServerEntry) {
        self.init(
            name: entry.name,
            operatorName: entry.operatorName,
            publicKey: entry.publicKey,
            endpoints: entry.addresses.map(Endpoint.init),
            offers: .automatic(listed: entry.version)
        )
    }
}
