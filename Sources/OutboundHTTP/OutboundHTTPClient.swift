// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Deadlines
public import IPAddresses
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A request to a server that is not ours.
public struct OutboundRequest: Sendable {
    public var url: OutboundURL
    /// Upper case.
    public var method: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]?
    /// What is read of the answer's body at most; the rest is left.
    public var bodyLimit: Int
    /// For everything together, the wait for the host's turn not counted.
    public var deadline: Duration

    public init(
        _ url: OutboundURL,
        method: String = "GET",
        headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil,
        bodyLimit: Int = 64 * 1024,
        deadline: Duration = .seconds(15)
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.bodyLimit = bodyLimit
        self.deadline = deadline
    }
}

/// A stranger's answer.
public struct OutboundAnswer: Sendable {
    public let status: Int
    /// In the order of the answer.
    public let headers: [(name: String, value: String)]
    /// At most as much as was asked for.
    public let body: [UInt8]
    /// Whether there was more.
    public let isTruncated: Bool
    /// The address that was checked and connected to.
    public let address: IPAddress
    /// From the first attempt to connect to the last byte read.
    public let duration: Duration

    public init(
        status: Int,
        headers: [(name: String, value: String)],
        body: [UInt8],
        isTruncated: Bool,
        address: IPAddress,
        duration: Duration
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isTruncated = isTruncated
        self.address = address
        self.duration = duration
    }

    /// The first value of a header.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why there is no answer.
public enum OutboundError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It was not asked.
    case refused(OutboundRefusal)
    case noSuchHost
    case unreachable(String)
    case timedOut
    /// The certificate or the handshake.
    case tls(String)
    /// What came is not HTTP, or its headers are too large.
    case badAnswer(String)
    /// Too many wait for the same host already.
    case busy
    case cancelled

    public var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .noSuchHost: "the host has no address"
        case .unreachable(let why): "cannot be reached: \(why)"
        case .timedOut: "no answer in time"
        case .tls(let why): "no secure connection: \(why)"
        case .badAnswer(let why): "no proper answer: \(why)"
        case .busy: "not asked, because too much else is being asked"
        case .cancelled: "cancelled"
        }
    }
}

/// Asks servers that strangers have named, without being led anywhere else.
///
/// A name is resolved once, every address it has must be allowed, and the connection goes to the address that was
/// checked, with the name for `Host`, SNI and the certificate. Redirects are answers like any other; nothing is
/// decompressed; no proxy is used.
public final class OutboundHTTPClient: Sendable {
    private let policy: AddressPolicy
    private let resolver: any NameResolver
    private let limiter: HostLimiter
    private let connectTimeout: Duration
    private let turnDeadline: Duration
    private let tls: Result<NIOSSLContext, any Error>

    /// - Parameters:
    ///   - turnDeadline: how long a request may wait for its host's turn.
    ///   - authorities: certificates in PEM, instead of the system's.
    public init(
        policy: AddressPolicy,
        resolver: any NameResolver = SystemResolver(),
        limiter: HostLimiter = HostLimiter(),
        connectTimeout: Duration = .seconds(5),
        turnDeadline: Duration = .seconds(60),
        authorities: [UInt8]? = nil
    ) {
        self.policy = policy
        self.resolver = resolver
        self.limiter = limiter
        self.connectTimeout = connectTimeout
        self.turnDeadline = turnDeadline
        tls = Result { try Self.context(authorities) }
    }

    /// The most bytes of headers in an answer.
    public static let headerLimit = 16 * 1024

    /// Asks, when the host's turn has come.
    /// - Throws: ``OutboundError``.
    public func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundAnswer {
        let hasTurn = Flag()
        do {
            return try await withDeadline(turnDeadline + request.deadline) { [self] in
                try await limiter.run(host: request.url.hostText) {
                    hasTurn.raise()
                    return try await withDeadline(request.deadline) { try await self.attempt(request) }
                }
            }
        } catch is DeadlineExceeded where !hasTurn.isRaised {
            // Nothing was asked, so nothing was slow but the others before it.
            throw .busy
        } catch {
            throw Self.outboundError(error)
        }
    }

    /// The addresses that may be connected to for a URL.
    /// - Throws: ``OutboundError``.
    public func checkedAddresses(of url: OutboundURL) async throws(OutboundError) -> [IPAddress] {
        guard policy.allows(port: url.port) else { throw .refused(.port(url.port)) }
        let addresses: [IPAddress]
        switch url.host {
        case .address(let address): addresses = [address]
        case .name(let name):
            // Without a dot the system's search list decides what is meant.
            guard name.contains(".") || !policy.allowed.isEmpty else {
                throw .refused(.badURL("a host name without a domain"))
            }
            guard !name.hasSuffix(".onion") else { throw .refused(.badURL("an onion service")) }
            addresses = try await resolver.addresses(of: name)
        }
        guard !addresses.isEmpty else { throw .noSuchHost }
        // All of them: a name that leads inside as well is not to be trusted with its other answer either.
        guard addresses.allSatisfy(policy.allows) else { throw .refused(.address) }
        return addresses.filter(\.isIPv4) + addresses.filter { !$0.isIPv4 }
    }

    private func attempt(_ request: OutboundRequest) async throws -> OutboundAnswer {
        let addresses = try await checkedAddresses(of: request.url)
        var last: any Error = OutboundError.noSuchHost
        for address in addresses.prefix(3) {
            do {
                return try await exchange(request, at: address)
            } catch let error where Self.isBeforeRequest(error) {
                last = error
            }
        }
        throw last
    }

    private func exchange(_ request: OutboundRequest, at address: IPAddress) async throws -> OutboundAnswer {
        try await HTTPExchange(
            request: request,
            address: address,
            connectTimeout: connectTimeout,
            tls: request.url.isSecure ? try tls.get() : nil,
            headerLimit: Self.headerLimit
        ).run()
    }

    private static func context(_ authorities: [UInt8]?) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        // A stranger's farewell is not waited for.
        configuration.shutdownTimeout = .milliseconds(100)
        if let authorities { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities)) }
        return try NIOSSLContext(configuration: configuration)
    }

    /// Errors of a connection that was made.
    private static let brokenOff: Set<CInt> = [ECONNRESET, EPIPE]

    /// Whether nothing has been sent yet, so that another address may be tried.
    private static func isBeforeRequest(_ error: any Error) -> Bool {
        switch error {
        case let error as IOError: !Self.brokenOff.contains(error.errnoCode)
        case is NIOConnectionError: true
        case let error as ChannelError: if case .connectTimeout = error { true } else { false }
        default: false
        }
    }

    /// What went wrong, without the places in source files that the library's words are full of.
    static func tlsReason(_ text: String) -> String {
        let words = text.split(separator: " ").prefix { $0 != "at" }
        return String(words.joined(separator: " ").prefix(200))
    }

    private static func outboundError(_ error: any Error) -> OutboundError {
        switch error {
        case let known as OutboundError: known
        case is DeadlineExceeded: .timedOut
        case is HostLimiter.TooManyWaiting: .busy
        case is CancellationError: .cancelled
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .tls(tlsReason("\(error)"))
        case is NIOConnectionError, is IOError: .unreachable("\(error)")
        case let error as ChannelError:
            if case .connectTimeout = error { .timedOut } else { .unreachable("\(error)") }
        default: .badAnswer("\(error)")
        }
    }
}
