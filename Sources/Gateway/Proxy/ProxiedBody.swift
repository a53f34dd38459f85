// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import Metrics
internal import NIOCore
internal import ReverseProxy
internal import ServiceLifecycle
internal import Synchronization

/// Passes the body of a backend's answer on while it arrives, no faster than the client takes it.
struct ProxiedBody: Sendable {
    let upstream: UpstreamBody
    /// How long the backend may be silent.
    let stall: Duration
    let service: String
    let requestID: String
    let logger: Logger

    /// How long a client may take nothing.
    private static let clientPatience = Duration.seconds(30)
    /// How long a body may still flow when the server stops.
    private static let farewell = Duration.seconds(10)

    var responseBody: ResponseBody {
        ResponseBody { writer in
            let loan = WriterLoan(writer)
            let pulse = Pulse()
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await pump(loan, pulse) }
                    group.addTask { try await watch(pulse) }
                    defer { group.cancelAll() }
                    try await group.next()
                }
            } catch {
                note(error, pulse)
                throw error
            }
            try await writer.finish(nil)
        }
    }

    private func pump(_ loan: WriterLoan, _ pulse: Pulse) async throws {
        var iterator = upstream.makeAsyncIterator()
        while let part = try await iterator.next() {
            pulse.enter(.writing)
            try await loan.write(part)
            pulse.enter(.reading)
        }
    }

    /// Ends the body when one side is silent for too long; looks once a second, or sooner if the limit is shorter.
    private func watch(_ pulse: Pulse) async throws {
        let step = min(.seconds(1), stall)
        var stopping: ContinuousClock.Instant?
        while true {
            try await Task.sleep(for: step)
            let (phase, since) = pulse.current
            switch phase {
            case .reading: if .now - since >= stall { throw UpstreamError.timedOut(.stall) }
            case .writing: if .now - since >= Self.clientPatience { throw UpstreamError.cancelled }
            }
            if Task.isShuttingDownGracefully { stopping = stopping ?? .now }
            if let stopping, .now - stopping >= Self.farewell { throw UpstreamError.cancelled }
        }
    }

    private func note(_ error: any Error, _ pulse: Pulse) {
        // While we write it is the client who has gone, which is nobody's fault.
        guard pulse.current.0 == .reading, let failure = error as? UpstreamError, failure != .cancelled else { return }
        Counter(label: "proxy_upstream_errors_total", dimensions: [("service", service), ("kind", failure.label)])
            .increment()
        logger.warning(
            "a backend's answer broke off",
            metadata: ["request.id": "\(requestID)", "proxy.service": "\(service)", "proxy.error": "\(failure)"]
        )
    }
}

/// Which side a body waits for, and since when.
private final class Pulse: Sendable {
    enum Phase { case reading, writing }

    private let state = Mutex((Phase.reading, ContinuousClock.now))

    func enter(_ phase: Phase) { state.withLock { $0 = (phase, .now) } }

    var current: (Phase, ContinuousClock.Instant) { state.withLock { $0 } }
}

/// The server's writer, lent to one child task while its owner waits for that task: never used by two at once.
private final class WriterLoan: @unchecked Sendable {
    private var writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    func write(_ part: ByteBuffer) async throws { try await writer.write(part) }
}
