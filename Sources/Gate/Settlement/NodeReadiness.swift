// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LND
public import LightningPrimitives
public import Logging
internal import Metrics
internal import RequestLimits
public import ServiceLifecycle
internal import Synchronization

/// Follows whether the node can take payments: SERVER_ACTIVE and synchronised with the chain.
///
/// An unsynchronised LND never answers to AddInvoice, so nothing is asked of it before it is ready.
public final class NodeReadiness: Service, Sendable {
    /// What was learnt last.
    public struct Report: Sendable {
        public let status: NodeStatus?
        public let isReady: Bool
        /// Checks in a row that failed.
        public let failures: Int
        /// Monotonic seconds of the last check.
        public let checkedAt: Double
    }

    private let lnd: LNDClient
    private let logger: Logger
    private let state = Mutex<Report?>(nil)

    public init(lnd: LNDClient, logger: Logger) {
        self.lnd = lnd
        self.logger = logger
    }

    /// What is known of the node; `nil` before the first check.
    public var report: Report? { state.withLock { $0 } }

    /// The network of a node that is ready, or `nil`.
    public var network: BitcoinNetwork? {
        guard let report, report.isReady else { return nil }
        return (report.status?.network).flatMap(BitcoinNetwork.init(rawValue:))
    }

    /// Checks every 15 seconds while the node is ready; while it is not, soon at first and then every 5 seconds.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.check()
                let failures = self.report?.failures ?? 0
                let pause = failures == 0 ? Duration.seconds(15) : min(.seconds(5), .milliseconds(250) * failures)
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// Asks the node now.
    public func check() async {
        let before = report
        var status: NodeStatus?
        var isReady = false
        do {
            isReady = try await lnd.walletState() == .serverActive
            let answer = try await lnd.nodeStatus()
            status = answer
            isReady = isReady && answer.syncedToChain
        } catch {
            isReady = false
            if before?.isReady != false { logger.warning("the node is not ready", metadata: ["lnd.error": "\(error)"]) }
        }
        if isReady, before?.isReady != true {
            logger.info("the node is ready", metadata: ["lnd.alias": "\(status?.alias ?? "")"])
        }
        let failures = isReady ? 0 : (before?.failures ?? 0) + 1
        Gauge(label: "lnd_reachable").record(status == nil ? 0 : 1)
        let report = Report(
            status: status ?? before?.status,
            isReady: isReady,
            failures: failures,
            checkedAt: MonotonicSeconds.now()
        )
        state.withLock { $0 = report }
    }
}
