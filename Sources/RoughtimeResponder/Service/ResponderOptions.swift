// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// How a responder behaves; every limit is here.
public struct ResponderOptions: Sendable {
    /// Where to listen, when no sockets are inherited.
    public var addresses: [ListenAddress]
    public var listensOnTCP: Bool
    /// A Unix socket for the gateway; nil for none.
    public var localSocket: String?
    /// Threads; each has sockets of its own.
    public var workers: Int
    public var versions: VersionSet
    public var radius: RadiusRules
    public var unsynchronised: UnsynchronisedPolicy
    /// One of so many answers by UDP is unusable on purpose (RFC 10049, section 7); 0 for none.
    public var greaseOneIn: Int
    /// Signatures per second and worker that serve one request of a version whose trees are disputed.
    public var legacySignaturesPerSecond: Int
    /// Bytes the kernel may hold for every UDP socket.
    public var receiveBuffer: Int
    public var streams: StreamLimits

    public init(
        addresses: [ListenAddress] = [ListenAddress(host: "::", port: 5319), ListenAddress(host: "::", port: 2002)],
        listensOnTCP: Bool = true,
        localSocket: String? = nil,
        workers: Int,
        versions: VersionSet = .all,
        radius: RadiusRules = RadiusRules(),
        unsynchronised: UnsynchronisedPolicy = .silent(grace: .seconds(60)),
        greaseOneIn: Int = 256,
        legacySignaturesPerSecond: Int = 2000,
        receiveBuffer: Int = 8 << 20,
        streams: StreamLimits = StreamLimits()
    ) {
        self.addresses = addresses
        self.listensOnTCP = listensOnTCP
        self.localSocket = localSocket
        self.workers = max(workers, 1)
        self.versions = versions
        self.radius = radius
        self.unsynchronised = unsynchronised
        self.greaseOneIn = greaseOneIn
        self.legacySignaturesPerSecond = legacySignaturesPerSecond
        self.receiveBuffer = receiveBuffer
        self.streams = streams
    }
}

/// An address to listen on; port 0 takes any free one.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `host:port`, `[address]:port`, or a port alone, which means every address.
    public init?(_ text: String) {
        if let port = UInt16(text) {
            self.init(host: "::", port: port)
        } else if let (host, port) = HostPort.split(text) {
            self.init(host: host, port: port)
        } else {
            return nil
        }
    }

    public var description: String { HostPort.join(host, port) }
}

/// Bounds for connections.
public struct StreamLimits: Sendable {
    /// The longest frame that is read, in bytes.
    public var frameLength = 8192
    /// Connections at a time.
    public var connections = 1024
    /// Requests of one connection that wait for their answers; beyond, nothing is read from it.
    public var outstanding = 256
    /// The same for the gateway, whose one connection carries the requests of all its callers.
    public var localOutstanding = 2048
    /// Connections to the local socket at a time; clients of TCP never take their place.
    public var localConnections = 64
    /// A connection without traffic is closed after this.
    public var idle: Duration = .seconds(10)
    /// A frame that has begun must be whole after this.
    public var read: Duration = .seconds(5)

    public init() {}
}

/// Why a responder cannot run.
public struct ResponderError: Error, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
