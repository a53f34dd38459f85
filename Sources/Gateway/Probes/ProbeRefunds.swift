// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import Ledger
internal import LightningPrimitives
public import Logging
public import ServiceLifecycle
public import ServiceProbing

/// Gives back what probes have not used whose callers were charged before the result was there.
public struct ProbeRefunds: Service {
    private let store: ProbeRequestStore
    private let ledger: Ledger
    private let prices: ProbePrices
    private let logger: Logger

    public init(store: ProbeRequestStore, ledger: Ledger, prices: ProbePrices, logger: Logger) {
        self.store = store
        self.ledger = ledger
        self.prices = prices
        self.logger = logger
    }

    /// Looks every ten seconds, until graceful shutdown.
    public func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                await refundAll()
                try await Task.sleep(for: .seconds(10))
            }
        }
    }

    /// Gives back what is due now.
    public func refundAll() async {
        do {
            for due in try await store.refundsDue() {
                let rest = due.charged - prices.due(due.billing, spent: due.spent, held: due.charged)
                let isMadeGood = rest > .zero ? try await refund(rest, due) : true
                if isMadeGood { try await store.noteRefund(due.id) }
            }
        } catch {
            logger.warning("refunds of probes will be tried again", metadata: ["error": "\(error)"])
        }
    }

    /// The reference makes a repetition harmless, in this process or another.
    ///
    /// - Returns: false when it has to be tried again. One that cannot be made good does not hold up the others.
    private func refund(
        _ amount: MilliSatoshi,
        _ due: ProbeRequestStore.RefundDue
    ) async throws(LedgerError) -> Bool {
        do {
            _ = try await ledger.refund(hold: due.hold, amount: amount, reference: "probe \(due.id)")
        } catch .closed {
            logger.warning("a revoked token gets nothing back", metadata: ["probe.id": "\(due.id)"])
        } catch .busy {
            // The charge is booked in a moment, or the sweeper gives it back because its process was killed.
            return false
        } catch .notEarned {
            logger.warning("a charge was never booked: nothing to give back", metadata: ["probe.id": "\(due.id)"])
        }
        return true
    }
}
