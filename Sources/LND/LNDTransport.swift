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
        var isShutDown = false
        var macaroon = MacaroonLatch()
        /// Until when calls of a purpose are held back, because the node asked for it.
        var busyUntil: [LNDCall.Purpose: Double] = [:]
        /// Questions about routes that wait for their answer.
        var routesInFlight = 0
        /// Calls this node does not have and that were spoken of once.
        var missing: Set<String> = []
        var version = ""
        var learnt: [LearntMeaning] = []
    }

    /// Calls that find out whether the macaroon is taken; they are sent in any case.
    @TaskLocal static var isCanary = false

    let configuration: LNDConfiguration
    let logger: Logger
    private let macaroon: WatchedFile
    private let certificate: WatchedFile?
    private let state = Mutex(State())
    private let clock = ContinuousClock()
    private let breakers: LNDBreakers

    init(configuration: LNDConfiguration, breakers: LNDBreakers, logger: Logger) {
        self.configuration = configuration
        self.breakers = breakers
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
        if let refusal = admit(call) {
            count(call, refusal.errorClass.rawValue)
            throw refusal
        }
        let isRouteQuery = call.name == LNDCall.queryRoutes.name
        if isRouteQuery { showRoutesInFlight(1) }
        defer { if isRouteQuery { showRoutesInFlight(-1) } }
        let begin = clock.now
        do {
            let result = try await withDeadline(deadline, exchange)
            record(call, .success)
            if !call.isOpen { releaseIfLatched() }
            count(call, "ok")
            Timer(label: "lnd_latency_seconds", dimensions: [("call", call.name)]).record(duration: clock.now - begin)
            if isRouteQuery {
                Timer(label: "lnd_queryroutes_duration_seconds").record(duration: clock.now - begin)
            }
            return result
        } catch {
            let failure = interpret(error as? LNDError ?? transportError(call, error))
            note(failure, of: call)
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

    private func now() -> Double { breakers.now() }

    /// Takes a place for a call, or says why it must not be sent.
    private func admit(_ call: LNDCall) -> LNDError? {
        let now = now()
        let isCanary = Self.isCanary
        let refusal = state.withLock { state -> LNDError? in
            if !call.isOpen, !isCanary, !state.macaroon.admit(now: now) {
                return LNDError(
                    errorClass: .auth,
                    meaning: .macaroonRefused,
                    call: call.name,
                    grpcCode: nil,
                    detail:
                        "the node refuses the macaroon \(configuration.macaroonPath); it is tried again every minute"
                )
            }
            guard let until = state.busyUntil[call.purpose], now < until else { return nil }
            return LNDError(
                errorClass: .busy,
                meaning: nil,
                call: call.name,
                grpcCode: nil,
                detail: "the node asked to be left alone",
                retryAfter: .seconds(until - now)
            )
        }
        if let refusal { return refusal }
        guard !breakers.admit(call.purpose, of: configuration.restURL) else { return nil }
        return LNDError(
            errorClass: .breakerOpen,
            meaning: nil,
            call: call.name,
            grpcCode: nil,
            detail: "the node did not answer lately; the call was not sent"
        )
    }

    /// What the node last said its version is.
    var version: String { state.withLock { $0.version } }

    private func showRoutesInFlight(_ change: Int) {
        let count = state.withLock { state in
            state.routesInFlight += change
            return state.routesInFlight
        }
        Gauge(label: "lnd_inflight").record(count)
    }

    /// Gives a sentence the meaning that was learnt for it.
    private func interpret(_ error: LNDError) -> LNDError {
        guard error.meaning == .unclassified else { return error }
        let learnt = state.withLock { state in
            state.learnt.first { $0.call == error.call && $0.code == error.grpcCode && $0.message == error.detail }
        }
        guard let learnt else { return error }
        return LNDError(
            errorClass: error.errorClass,
            meaning: learnt.meaning,
            call: error.call,
            grpcCode: error.grpcCode,
            detail: error.detail
        )
    }

    /// Draws the conclusions for later calls.
    private func note(_ error: LNDError, of call: LNDCall) {
        let now = now()
        switch error.errorClass {
        case .auth: latchMacaroon()
        case .busy:
            guard let wait = error.retryAfter else { return }
            state.withLock { $0.busyUntil[call.purpose] = now + min(300, wait / .seconds(1)) }
        case .unsupported:
            let version = state.withLock { $0.missing.insert(call.name).inserted ? $0.version : nil }
            guard let version else { return }
            logger.error(
                "this node does not have the call; what needs it is off",
                metadata: ["lnd.call": "\(call.name)", "lnd.version": "\(version)"]
            )
        case .cancelled, .transport, .breakerOpen, .answered: break
        }
    }

    /// Stops calls with this macaroon, but for one a minute.
    func latchMacaroon() {
        let now = now()
        let isNew = state.withLock { $0.macaroon.latch(now: now) }
        showLatch(1)
        if isNew {
            logger.error("the node refuses the macaroon", metadata: ["lnd.macaroon": "\(configuration.macaroonPath)"])
        }
    }

    /// Lets calls with this macaroon pass again.
    func releaseMacaroon() {
        let wasLatched = state.withLock { $0.macaroon.release() }
        showLatch(0)
        if wasLatched { logger.notice("the node takes the macaroon again") }
    }

    private func releaseIfLatched() {
        if state.withLock({ $0.macaroon.isLatched }) { releaseMacaroon() }
    }

    private func showLatch(_ level: Double) {
        let file = configuration.macaroonPath.split(separator: "/").last.map(String.init) ?? ""
        Gauge(label: "lnd_macaroon_refused", dimensions: [("macaroon", file)]).record(level)
    }

    /// Takes note of what the node is; another version has its own sentences.
    ///
    /// - Returns: whether it is another version than before.
    func note(version: String) -> Bool {
        state.withLock { state in
            guard state.version != version else { return false }
            state.version = version
            state.learnt = []
            state.missing = []
            return true
        }
    }

    /// Takes a sentence's meaning over, for as long as the node has the version it was learnt of.
    func learn(_ meaning: LearntMeaning, of version: String) {
        state.withLock { state in
            guard state.version == version, !state.learnt.contains(meaning) else { return }
            state.learnt.append(meaning)
        }
    }

    private func record(_ call: LNDCall, _ outcome: CircuitBreaker.Outcome) {
        let level: Double =
            switch breakers.record(outcome, call.purpose, of: configuration.restURL) {
            case .closed: 0
            case .halfOpen: 1
            case .open: 2
            }
        Gauge(label: "circuit_breaker_state", dimensions: [("breaker", "lnd_\(call.purpose.rawValue)")]).record(level)
    }

    private func count(_ call: LNDCall, _ errorClass: String) {
        Counter(label: "lnd_requests_total", dimensions: [("call", call.name), ("class", errorClass)]).increment()
    }
}
