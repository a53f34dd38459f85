// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
internal import Deadlines
internal import Foundation
internal import Logging
internal import Metrics
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization
internal import WatchedFiles

/// Sends requests: pinned TLS, macaroon, deadline, breaker and metrics, in one place for all calls.
final class LNDTransport: Sendable {
    private struct State {
        var client: HTTPClient?
        var certificateGeneration = 0
        var breakers: [LNDCall.Purpose: CircuitBreaker] = [:]
        var isShutDown = false
    }

    let configuration: LNDConfiguration
    let logger: Logger
    private let macaroon: WatchedFile
    private let certificate: WatchedFile?
    private let state = Mutex(State())
    private let clock = ContinuousClock()
    private let start = ContinuousClock().now

    init(configuration: LNDConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
        macaroon = WatchedFile(path: configuration.macaroonPath, limit: 4096)
        certificate = configuration.tlsCertificatePath.map { WatchedFile(path: $0, limit: 64 * 1024) }
    }

    func shutdown() async {
        let client = state.withLock { state -> HTTPClient? in
            state.isShutDown = true
            return state.client.take()
        }
        try? await client?.shutdown()
    }

    /// Opens the call and returns its answer's head with the body still to be read.
    func open(_ call: LNDCall, path: String, body: (any Encodable & Sendable)? = nil) async throws(LNDError)
        -> HTTPClientResponse
    {
        do {
            var request = HTTPClientRequest(url: url(path))
            request.method = call.method
            request.headers.add(name: "Grpc-Metadata-macaroon", value: Hex.encode(try await macaroon.contents().bytes))
            if let body {
                request.headers.add(name: "Content-Type", value: "application/json")
                request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
            }
            let client = try await client()
            // Streams have no deadline of their own; unary callers wrap the whole exchange in one.
            return try await client.execute(request, deadline: .distantFuture)
        } catch {
            throw transportError(call, error)
        }
    }

    /// Runs an exchange under the breaker of its purpose, and counts and times it.
    func guarded<Result: Sendable>(
        _ call: LNDCall,
        deadline: Duration,
        _ exchange: @escaping @Sendable () async throws -> Result
    ) async throws(LNDError) -> Result {
        guard admit(call) else {
            count(call, "breaker_open")
            throw LNDError(
                errorClass: .breakerOpen,
                meaning: nil,
                call: call.name,
                grpcCode: nil,
                detail: "the node did not answer lately; the call was not sent"
            )
        }
        let begin = clock.now
        do {
            let result = try await withDeadline(deadline, exchange)
            record(call, .success)
            count(call, "ok")
            Timer(label: "lnd_latency_seconds", dimensions: [("call", call.name)]).record(duration: clock.now - begin)
            return result
        } catch {
            let failure = error as? LNDError ?? transportError(call, error)
            record(call, Self.outcome(of: failure.errorClass))
            count(call, failure.errorClass.rawValue)
            if failure.meaning == .unclassified {
                let code = String(failure.grpcCode ?? -1)
                Counter(label: "lnd_unclassified_errors_total", dimensions: [("call", call.name), ("code", code)])
                    .increment()
            }
            throw failure
        }
    }

    static func outcome(of errorClass: LNDError.Class) -> CircuitBreaker.Outcome {
        switch errorClass {
        case .transport, .busy: .failure
        case .answered: .success
        case .cancelled, .auth, .unsupported, .breakerOpen: .neutral
        }
    }

    func transportError(_ call: LNDCall, _ error: any Error) -> LNDError {
        if let known = error as? LNDError { return known }
        let isCancelled = error is CancellationError || (error as? HTTPClientError) == .cancelled
        let detail =
            switch error {
            case is DeadlineExceeded: "no answer within the deadline"
            case let file as WatchedFile.Unreadable: file.description
            default: String(describing: error)
            }
        return LNDError(
            errorClass: isCancelled ? .cancelled : .transport,
            meaning: nil,
            call: call.name,
            grpcCode: nil,
            detail: detail
        )
    }

    private func url(_ path: String) -> String {
        let base =
            configuration.restURL.hasSuffix("/") ? String(configuration.restURL.dropLast()) : configuration.restURL
        guard let name = configuration.tlsServerName, var parts = URLComponents(string: base) else {
            return base + path
        }
        parts.host = name
        return (parts.string ?? base) + path
    }

    /// The HTTP client for the certificate as it is now; a changed file gets a new one.
    private func client() async throws -> HTTPClient {
        let contents = try await certificate?.contents()
        let generation = contents?.generation ?? 0
        if let client = state.withLock({ $0.certificateGeneration == generation ? $0.client : nil }) { return client }
        let fresh = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: try httpConfiguration(contents?.bytes)
        )
        let (used, unused) = state.withLock { state -> (HTTPClient?, HTTPClient?) in
            if state.isShutDown { return (nil, fresh) }
            if let client = state.client, state.certificateGeneration == generation { return (client, fresh) }
            let old = state.client
            state.client = fresh
            state.certificateGeneration = generation
            return (fresh, old)
        }
        try? await unused?.shutdown()
        guard let used else { throw CancellationError() }
        return used
    }

    private func httpConfiguration(_ pem: [UInt8]?) throws -> HTTPClient.Configuration {
        var http = HTTPClient.Configuration()
        if let pem {
            var tls = TLSConfiguration.makeClientConfiguration()
            // The node's own certificate is the only anchor: the system's authorities vouch for nothing here.
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(pem))
            tls.minimumTLSVersion = .tlsv12
            http.tlsConfiguration = tls
        }
        http.redirectConfiguration = .disallow
        http.timeout.connect = .nanoseconds(Int64(configuration.deadlines.connect / .nanoseconds(1)))
        http.connectionPool.idleTimeout = .seconds(60)
        http.httpVersion = .http1Only
        if let name = configuration.tlsServerName, let host = URLComponents(string: configuration.restURL)?.host {
            http.dnsOverride = [name: host]
        }
        return http
    }

    private func now() -> Double { (clock.now - start) / .seconds(1) }

    private func admit(_ call: LNDCall) -> Bool {
        let now = now()
        return state.withLock { $0.breakers[call.purpose, default: CircuitBreaker()].admit(now: now) }
    }

    private func record(_ call: LNDCall, _ outcome: CircuitBreaker.Outcome) {
        let now = now()
        let level = state.withLock { state -> Double in
            state.breakers[call.purpose, default: CircuitBreaker()]
                .record(outcome, now: now, draw: .random(in: 0..<1))
            switch state.breakers[call.purpose]?.state {
            case .closed, nil: return 0
            case .halfOpen: return 1
            case .open: return 2
            }
        }
        Gauge(label: "circuit_breaker_state", dimensions: [("breaker", "lnd_\(call.purpose.rawValue)")]).record(level)
    }

    private func count(_ call: LNDCall, _ errorClass: String) {
        Counter(label: "lnd_requests_total", dimensions: [("call", call.name), ("class", errorClass)]).increment()
    }
}
