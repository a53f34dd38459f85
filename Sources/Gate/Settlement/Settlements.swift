// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import L402
internal import LND
internal import Ledger
public import LightningPrimitives
internal import Logging
internal import Metrics
internal import OrderedCollections
public import ServiceLifecycle
internal import Synchronization

/// Knows which invoices have been paid, and how much.
///
/// One stream of the node tells it as it happens and goes on, after a restart, where it was left; what it tells of our
/// own invoices is kept in the store. An invoice that settled unseen is looked up.
public final class Settlements: Service, Sendable {
    private let lnd: LNDClient
    private let store: SettledInvoices
    private let readiness: NodeReadiness
    private let patience: Duration
    private let logger: Logger
    private let settled = Mutex<OrderedDictionary<PaymentHash, MilliSatoshi>>([:])
    private let remembered = 100_000
    private let isOurs: @Sendable (Preimage) -> Bool
    private let onSettled: @Sendable (PaymentHash) -> Void

    init(
        lnd: LNDClient,
        store: SettledInvoices,
        readiness: NodeReadiness,
        patience: Duration,
        logger: Logger,
        isOurs: @escaping @Sendable (Preimage) -> Bool,
        onSettled: @escaping @Sendable (PaymentHash) -> Void
    ) {
        self.lnd = lnd
        self.store = store
        self.readiness = readiness
        self.patience = patience
        self.logger = logger
        self.isOurs = isOurs
        self.onSettled = onSettled
    }

    /// Follows the node's invoices until shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            let node = await nodeIdentity()
            guard !Task.isCancelled else { return }
            let known = try? await store.cursor(node: node)
            let cursor = InvoiceCursor(addIndex: known?.addIndex ?? 0, settleIndex: known?.settleIndex ?? 0)
            try? await lnd.followInvoices(from: cursor) { [self] invoice in
                guard invoice.state == .settled else { return }
                await keep(invoice, node: node)
            }
        }
    }

    /// What was paid for an invoice, waiting a little if it is still open.
    /// - Throws: ``Refusal``: `not_settled` while it is open, `expired` when it was cancelled or is unknown,
    ///   `lnd_unavailable` when the node cannot say.
    public func amountPaid(_ paymentHash: PaymentHash) async throws(Refusal) -> MilliSatoshi {
        if let known = settled.withLock({ $0[paymentHash] }) { return known }
        if let kept = try? await store.amountPaid(paymentHash) { return kept }
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

    /// Who the node is: indices of one node mean nothing to another.
    private func nodeIdentity() async -> String {
        while !Task.isCancelled {
            if let identity = readiness.report?.status?.identity { return identity }
            try? await Task.sleep(for: .milliseconds(250))
        }
        return ""
    }

    private func keep(_ invoice: InvoiceStatus, node: String) async {
        remember(invoice)
        onSettled(invoice.paymentHash)
        // The node may have other invoices than ours; those are nobody's business here.
        guard let preimage = invoice.preimage, isOurs(preimage) else { return }
        do {
            try await store.record(invoice.paymentHash, paid: invoice.amountPaid)
            try await store.advance(node: node, addIndex: invoice.addIndex, settleIndex: invoice.settleIndex)
        } catch {
            // Not lost: the node is asked at the first use.
            logger.warning("a settled invoice could not be kept", metadata: ["db.error": "\(error)"])
        }
    }

    private func remember(_ invoice: InvoiceStatus) {
        settled.withLock { settled in
            settled[invoice.paymentHash] = invoice.amountPaid
            if settled.count > remembered { settled.removeFirst(remembered / 10) }
        }
    }
}
