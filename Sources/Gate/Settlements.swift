// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import L402
internal import LND
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import OrderedCollections
public import ServiceLifecycle
internal import Synchronization

/// Knows which invoices have been paid, and how much.
///
/// One stream of the node tells it as it happens; an invoice that settled before the stream began is looked up.
public final class Settlements: Service, Sendable {
    private let lnd: LNDClient
    private let logger: Logger
    private let patience: Duration
    private let settled = Mutex<OrderedDictionary<PaymentHash, MilliSatoshi>>([:])
    private let remembered = 100_000
    private let onSettled: @Sendable () -> Void

    init(lnd: LNDClient, patience: Duration, logger: Logger, onSettled: @escaping @Sendable () -> Void) {
        self.lnd = lnd
        self.patience = patience
        self.logger = logger
        self.onSettled = onSettled
    }

    /// Follows the node's invoices until shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            do {
                try await self.lnd.followInvoices(from: InvoiceCursor()) { invoice in
                    guard invoice.state == .settled else { return }
                    self.remember(invoice)
                    self.onSettled()
                }
            } catch {}
        }
    }

    /// What was paid for an invoice, waiting a little if it is still open.
    /// - Throws: ``Refusal``: `not_settled` while it is open, `expired` when it was cancelled or is unknown,
    ///   `lnd_unavailable` when the node cannot say.
    func amountPaid(_ paymentHash: PaymentHash) async throws(Refusal) -> MilliSatoshi {
        if let known = settled.withLock({ $0[paymentHash] }) { return known }
        let begin = ContinuousClock.now
        defer { Timer(label: "l402_settle_seconds").record(duration: ContinuousClock.now - begin) }
        do {
            var invoice = try await lnd.lookupInvoice(paymentHash)
            if invoice?.state == .open || invoice?.state == .accepted {
                invoice = try await lnd.waitForInvoice(paymentHash, atMost: patience)
            }
            guard let invoice else { throw Refusal(.expired) }
            switch invoice.state {
            case .settled:
                remember(invoice)
                return invoice.amountPaid
            case .canceled: throw Refusal(.expired)
            case .open, .accepted: throw Refusal(.notSettled)
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            logger.warning("an invoice's state could not be read", metadata: ["lnd.error": "\(error)"])
            throw Refusal(.lndUnavailable)
        }
    }

    private func remember(_ invoice: InvoiceStatus) {
        settled.withLock { settled in
            settled[invoice.paymentHash] = invoice.amountPaid
            if settled.count > remembered { settled.removeFirst(remembered / 10) }
        }
    }
}
