// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Logging
public import ServiceLifecycle

/// Gives back what dead processes have left held; every process with a ledger may run one.
public struct HoldSweeper: Service {
    private let ledger: Ledger
    private let interval: Duration
    private let logger: Logger

    /// Describes a sweeper.
    ///
    /// - Parameter interval: the pause between sweeps, and so how much longer than its lifetime a hold may live.
    public init(ledger: Ledger, interval: Duration = .seconds(5), logger: Logger) {
        self.ledger = ledger
        self.interval = interval
        self.logger = logger
    }

    /// Sweeps until graceful shutdown.
    public func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    await sweep()
                    try await Task.sleep(for: interval)
                }
            }
        } catch is CancellationError {
            // Shutdown.
        }
    }

    private func sweep() async {
        let limit = 500
        do {
            var count = limit
            while count == limit {
                count = try await ledger.sweep(limit: limit)
                if count > 0 { logger.notice("overdue holds given back", metadata: ["ledger.holds": "\(count)"]) }
            }
            try await ledger.purgeAnswers()
        } catch {
            // The store has logged it, and the next sweep tries again.
            logger.debug("sweep failed", metadata: ["ledger.error": "\(error)"])
        }
    }
}
