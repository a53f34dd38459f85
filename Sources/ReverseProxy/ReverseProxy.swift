// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import Deadlines
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// Forwards requests to one backend over pooled connections, streaming both ways.
///
/// TLS is always verified. Redirects are passed on, never followed. When the last request has let go of it, its connections are closed.
public final class ReverseProxy: Sendable {
    public let target: UpstreamTarget
    let tls: NIOSSLContext?
    private let client: HTTPClient

    /// Makes a proxy; nothing is connected yet.
    ///
    /// - Throws: ``UpstreamError/tls(_:)`` when the authorities cannot be read.
    public init(target: UpstreamTarget) throws(UpstreamError) {
        self.target = target
        let configuration = target.isSecure ? try Self.tlsConfiguration(target) : nil
        do {
            tls = try configuration.map { try NIOSSLContext(configuration: $0) }
        } catch {
            throw .tls("the authorities cannot be used: \(error)")
        }
        var http = HTTPClient.Configuration()
        http.tlsConfiguration = configuration
        http.redirectConfiguration = .disallow
        http.httpVersion = .http1Only
        http.timeout.connect = TimeAmount(target.connectTimeout)
        http.connectionPool.idleTimeout = .seconds(30)
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = target.connections
        // A backend that is down is told at once; whoever calls may try again.
        http.connectionPool.retryConnectionEstablishment = false
        if let name = target.serverName { http.dnsOverride = [name: target.host] }
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: http)
    }

    deinit {
        let client = client
        // Outlives the proxy on purpose: closing idle connections.
        Task { try? await client.shutdown() }
    }

    private static func tlsConfiguration(_ target: UpstreamTarget) throws(UpstreamError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let authorities = target.authorities {
            do {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities))
            } catch {
                throw .tls("the authorities are not certificates in PEM")
            }
        }
        return tls
    }

    /// Sends a request and returns when the answer's head has come; its body follows while it is read.
    ///
    /// - Parameter atMost: how long the head may take, counted from now and over everything.
    public func forward(_ request: UpstreamRequest, atMost: Duration? = nil) async throws(UpstreamError)
        -> UpstreamResponse
    {
        do {
            return try await attempt(request, atMost)
        } catch .badAnswer where request.isRepeatable {
            // A kept connection may be closed by the backend just when it is used again.
            return try await attempt(request, atMost)
        }
    }

    private func attempt(_ request: UpstreamRequest, _ atMost: Duration?) async throws(UpstreamError)
        -> UpstreamResponse
    {
        let progress = UploadProgress()
        let wire = wireRequest(request, progress)
        let response: HTTPClientResponse
        do {
            response = try await headOf(wire, progress, atMost)
        } catch {
            throw progress.failure ?? Self.upstreamError(error)
        }
        let head = HTTPFields(response.headers)
        return UpstreamResponse(
            status: .init(code: Int(response.status.code), reasonPhrase: response.status.reasonPhrase),
            headers: ForwardedHeaders.response(head),
            body: UpstreamBody(source: .stream(response.body, owner: self))
        )
    }

    private func wireRequest(_ request: UpstreamRequest, _ progress: UploadProgress) -> HTTPClientRequest {
        var wire = HTTPClientRequest(
            url: "\(target.isSecure ? "https" : "http")://\(target.authority)\(request.target)"
        )
        wire.method = HTTPMethod(rawValue: request.method.rawValue)
        wire.headers = HTTPHeaders(request.headers)
        if let body = request.body {
            let counted = CountedBody(source: body, limit: request.bodyLimit, progress: progress)
            wire.body = .stream(counted, length: request.bodyLength.map { .known(Int64($0)) } ?? .unknown)
        }
        return wire
    }

    /// Waits for the answer's head, as long as the request's body moves or has moved lately.
    private func headOf(_ wire: HTTPClientRequest, _ progress: UploadProgress, _ atMost: Duration?) async throws
        -> HTTPClientResponse
    {
        let begin = ContinuousClock.now
        let end = [target.totalTimeout, atMost].compactMap { $0 }.min().map { begin + $0 }
        // The time to connect counts apart, so the answer's time begins when the request can be sent.
        let patience = target.responseTimeout + target.connectTimeout
        return try await withThrowingTaskGroup(of: HTTPClientResponse.self) { group in
            group.addTask { [client] in try await client.execute(wire, deadline: .distantFuture) }
            group.addTask { [target] in
                while true {
                    let due = min(
                        progress.last.map { $0 + target.responseTimeout } ?? begin + patience,
                        end ?? .distant
                    )
                    if due <= .now { throw UpstreamError.timedOut(due == end ? .total : .response) }
                    try await Task.sleep(until: due, clock: .continuous)
                }
            }
            defer { group.cancelAll() }
            guard let response = try await group.next() else { throw UpstreamError.cancelled }
            return response
        }
    }

    /// What an error of the client or of TLS means.
    static func upstreamError(_ error: any Error) -> UpstreamError {
        switch error {
        case let known as UpstreamError: known
        case is CancellationError: .cancelled
        case let known as HTTPClientError: clientError(known)
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError: .tls("\(error)")
        case let connection as NIOConnectionError: connectionError(connection)
        case let other as IOError: .unreachable("\(other)")
        case let channel as ChannelError: channel.isConnectTimeout ? .timedOut(.connect) : .badAnswer("\(channel)")
        default: .badAnswer("\(error)")
        }
    }

    private static func clientError(_ error: HTTPClientError) -> UpstreamError {
        switch error {
        case .cancelled: .cancelled
        case .connectTimeout, .getConnectionFromPoolTimeout, .tlsHandshakeTimeout: .timedOut(.connect)
        case .readTimeout: .timedOut(.response)
        default: .badAnswer(error.shortDescription)
        }
    }

    private static func connectionError(_ error: NIOConnectionError) -> UpstreamError {
        if error.dnsAError != nil || error.dnsAAAAError != nil, error.connectionErrors.isEmpty {
            return .unreachable("\(error.host) has no address")
        }
        return .unreachable(
            "\(error.host):\(error.port): \(error.connectionErrors.map { "\($0.error)" }.joined(separator: "; "))"
        )
    }
}

extension ContinuousClock.Instant {
    fileprivate static var distant: Self { .now + .seconds(86_400) }
}

extension ChannelError {
    fileprivate var isConnectTimeout: Bool { if case .connectTimeout = self { true } else { false } }
}

extension HTTPFields {
    init(_ headers: HTTPHeaders) {
        self.init()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { append(HTTPField(name: name, value: value)) }
        }
    }
}

extension HTTPHeaders {
    init(_ fields: HTTPFields) {
        self.init()
        reserveCapacity(fields.count)
        for field in fields { add(name: field.name.rawName, value: field.value) }
    }
}
