// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import AsyncHTTPClient
internal import ByteCoding
public import KeyShareNode
public import Logging
internal import Metrics
internal import NIOCore
internal import NIOHTTP1
public import ServiceLifecycle

/// Reports every three minutes how the node is, to a service that watches nodes; what becomes of a report changes nothing here.
public struct TelemetrySender: Service {
    /// When reports go out.
    public struct Schedule: Sendable {
        public var interval: Duration = .seconds(180)
        /// Part of the interval by which it may be shorter or longer, so that nodes do not report in step.
        public var jitter = 0.1
        /// For an answer.
        public var timeout: Duration = .seconds(5)
        /// Waits before a report is tried again.
        public var retries: [Duration] = [.seconds(5), .seconds(20)]

        public init() {}
    }

    private let url: String
    private let password: String
    private let service: KeyShareService
    private let schedule: Schedule
    private let logger: Logger

    /// - Parameter baseURL: what stands before ``TelemetryReport/path``; a slash at the end makes no difference.
    public init(
        baseURL: String,
        password: String,
        service: KeyShareService,
        schedule: Schedule = Schedule(),
        logger: Logger
    ) {
        url = (baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL) + TelemetryReport.path
        self.password = password
        self.service = service
        self.schedule = schedule
        self.logger = logger
    }

    /// Reports until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await report()
                let factor = 1 + Double.random(in: -schedule.jitter...schedule.jitter)
                try? await Task.sleep(for: schedule.interval * factor)
            }
        }
    }

    private func report() async {
        for wait in schedule.retries.map(Optional.some) + [nil] {
            let problem = await send()
            Counter(label: "ks_telemetry_reports_total", dimensions: [("outcome", problem == nil ? "ok" : "failed")])
                .increment()
            guard let problem else { return }
            guard let wait, !Task.isCancelled else {
                logger.warning("a report was not taken", metadata: ["reason": "\(problem)"])
                return
            }
            try? await Task.sleep(for: wait)
        }
    }

    /// Sends one report and says what went wrong.
    private func send() async -> String? {
        let status = await service.status()
        let isConnected = status.isDatabaseConnected
        let report = TelemetryReport(
            public_key: status.publicKey ?? "",
            key_share_count: isConnected ? status.shares ?? -1 : -1,
            payload: .init(
                db_status: isConnected ? "OK" : "ERROR",
                // What the database says may name things that are nobody's business.
                error_msg: isConnected ? nil : "the database does not answer"
            )
        )
        let body = report.bytes
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.headers.add(name: "X-KS-NODE-PASSWORD", value: password)
        if let signature = service.signature(of: body) {
            request.headers.add(name: "X-KS-Signature", value: Hex.encode(signature))
        }
        request.body = .bytes(ByteBuffer(bytes: body))
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: TimeAmount(schedule.timeout))
            // An answer that is read in part keeps its connection busy.
            _ = try? await response.body.collect(upTo: 65_536)
            return response.status == .ok ? nil : "status \(response.status.code)"
        } catch {
            return "no answer from the service"
        }
    }
}
