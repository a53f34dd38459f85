// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Deadlines
public import IPAddresses
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

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
        case .busy: "too many requests wait for this host"
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
    private let authorities: [UInt8]?

    /// - Parameters:
    ///   - authorities: certificates in PEM, instead of the system's.
    public init(
        policy: AddressPolicy,
        resolver: any NameResolver = SystemResolver(),
        limiter: HostLimiter = HostLimiter(),
        connectTimeout: Duration = .seconds(5),
        authorities: [UInt8]? = nil
    ) {
        self.policy = policy
        self.resolver = resolver
        self.limiter = limiter
        self.connectTimeout = connectTimeout
        self.authorities = authorities
    }

    /// How long a request may wait for its host's turn.
    public static let turnDeadline = Duration.seconds(60)
    /// The most bytes of headers in an answer.
    public static let headerLimit = 16 * 1024

    /// Asks, when the host's turn has come.
    /// - Throws: ``OutboundError``.
    public func send(_ request: OutboundRequest) async throws(OutboundError) -> OutboundAnswer {
        do {
            return try await withDeadline(Self.turnDeadline + request.deadline) { [self] in
                try await limiter.run(host: request.url.hostText) {
                    try await withDeadline(request.deadline) { try await self.attempt(request) }
                }
            }
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
            addresses = await resolver.addresses(of: name)
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
        let begin = ContinuousClock.now
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: try configuration(request.url, at: address)
        )
        do {
            let response = try await client.execute(wire(request), deadline: .distantFuture)
            let answer = try await read(response, of: request, at: address, since: begin)
            try? await client.shutdown()
            return answer
        } catch {
            // Detached from the caller, who may be cancelled: a client must be shut down.
            await Task { try? await client.shutdown() }.value
            throw error
        }
    }

    private func configuration(_ url: OutboundURL, at address: IPAddress) throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = TimeAmount(connectTimeout)
        configuration.connectionPool.retryConnectionEstablishment = false
        if case .name(let name) = url.host { configuration.dnsOverride = [name: address.description] }
        if url.isSecure {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.minimumTLSVersion = .tlsv12
            if let authorities { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities)) }
            configuration.tlsConfiguration = tls
        }
        return configuration
    }

    private func wire(_ request: OutboundRequest) -> HTTPClientRequest {
        var wire = HTTPClientRequest(url: request.url.description)
        wire.method = HTTPMethod(rawValue: request.method)
        for (name, value) in request.headers { wire.headers.add(name: name, value: value) }
        wire.headers.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        wire.headers.replaceOrAdd(name: "Connection", value: "close")
        if let body = request.body { wire.body = .bytes(ByteBuffer(bytes: body)) }
        return wire
    }

    private func read(
        _ response: HTTPClientResponse,
        of request: OutboundRequest,
        at address: IPAddress,
        since begin: ContinuousClock.Instant
    ) async throws -> OutboundAnswer {
        let headers = response.headers.map { (name: $0.name, value: $0.value) }
        let size = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard size <= Self.headerLimit else { throw OutboundError.badAnswer("more than 16 KiB of headers") }
        var body: [UInt8] = []
        var isTruncated = false
        for try await part in response.body {
            let room = request.bodyLimit - body.count
            body += part.readableBytesView.prefix(room)
            if part.readableBytes > room {
                isTruncated = true
                break
            }
        }
        return OutboundAnswer(
            status: Int(response.status.code),
            headers: headers,
            body: body,
            isTruncated: isTruncated,
            address: address,
            duration: ContinuousClock.now - begin
        )
    }

    /// Whether nothing has been sent yet, so that another address may be tried.
    private static func isBeforeRequest(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError, is IOError: true
        case let error as HTTPClientError: error == .connectTimeout
        case let error as ChannelError: if case .connectTimeout = error { true } else { false }
        default: false
        }
    }

    private static func outboundError(_ error: any Error) -> OutboundError {
        switch error {
        case let known as OutboundError: known
        case is DeadlineExceeded: .timedOut
        case is HostLimiter.TooManyWaiting: .busy
        case is CancellationError: .cancelled
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .tls("\(error)")
        case let error as HTTPClientError:
            switch error {
            case .cancelled: .cancelled
            case .connectTimeout, .tlsHandshakeTimeout, .readTimeout: .timedOut
            default: .badAnswer(error.shortDescription)
            }
        case is NIOConnectionError, is IOError: .unreachable("\(error)")
        case let error as ChannelError:
            if case .connectTimeout = error { .timedOut } else { .unreachable("\(error)") }
        default: .badAnswer("\(error)")
        }
    }
}
