// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Bolt11
public import LND
public import LightningPrimitives
public import Logging
public import Postgres
public import ServiceChecks

/// A node that pays.
public protocol PaymentNode: Sendable {
    /// Pays and waits for the end; after an error of class `transport` the payment's state is unknown.
    func pay(_ paymentRequest: String, hash: PaymentHash, terms: PaymentTerms) async throws(LNDError) -> PaymentUpdate
    /// Waits for the end of a payment that may have been made.
    func trackPayment(_ hash: PaymentHash, within patience: Duration) async throws(LNDError) -> PaymentUpdate
}

extension LNDClient: PaymentNode {}

/// Pays invoices out of a budget, once each.
public struct Purse: Sendable {
    /// How a payment ended.
    public enum Payment: Sendable {
        /// Paid: the proof, and what the way there has cost.
        case paid(Preimage, fee: MilliSatoshi)
        /// Not paid; the outcome says whose fault it is.
        case notPaid(PaidProbeOutcome, reason: String)
    }

    private let node: any PaymentNode
    public let ledger: SpendLedger
    private let paths: PathEvidence?
    private let ownNode: @Sendable () async -> NodeID?
    private let logger: Logger

    /// Seconds the node gets for a payment.
    public static let paymentSeconds = 20
    /// Seconds after which a payment without an end has to be asked for: more than everything that is tried before.
    public static let resumptionAge = 120

    /// - Parameters:
    ///   - paths: where the attempts of payments are kept; `nil` keeps none.
    ///   - ownNode: the node that pays.
    public init(
        _ node: any PaymentNode,
        ledger: SpendLedger,
        paths: PathEvidence? = nil,
        ownNode: @escaping @Sendable () async -> NodeID? = { nil },
        logger: Logger
    ) {
        self.node = node
        self.ledger = ledger
        self.paths = paths
        self.ownNode = ownNode
        self.logger = logger
    }

    /// Pays an invoice if the budget allows it.
    ///
    /// Once money may have left, the task's cancellation does not stop the bookkeeping.
    public func pay(
        _ invoice: Bolt11Invoice,
        kind: PlannedPayment.Kind,
        cycle: String,
        endpoint: [UInt8]?,
        feeLimit: MilliSatoshi,
        budget: SpendBudget
    ) async -> Payment {
        guard let amount = invoice.amount, amount > .zero else {
            return .notPaid(.invoiceDecodeFailed, reason: "the invoice has no amount")
        }
        let planned = PlannedPayment(
            hash: invoice.paymentHash,
            kind: kind,
            cycle: cycle,
            endpoint: endpoint,
            amount: amount,
            feeLimit: feeLimit
        )
        return await Task { await payOnce(planned, invoice.text, budget) }.value
    }

    private func payOnce(_ planned: PlannedPayment, _ text: String, _ budget: SpendBudget) async -> Payment {
        do {
            switch try await ledger.reserve(planned, within: budget) {
            case .reserved: break
            case .overCap: return .notPaid(.overCap, reason: "more than one payment may cost")
            case .overCycle, .overDay: return .notPaid(.overBudget, reason: "the budget is spent")
            case .duplicate: return .notPaid(.duplicateInvoice, reason: "the invoice was paid before, or may have been")
            }
        } catch {
            // Whether it was reserved or not: nothing was sent, and the resumption gives it back.
            return .notPaid(.nodeUnavailable, reason: "the ledger does not answer: \(error)")
        }
        let terms = PaymentTerms(feeLimit: planned.feeLimit, timeoutSeconds: Self.paymentSeconds, parts: 1)
        do throws(LNDError) {
            let update = try await node.pay(text, hash: planned.hash, terms: terms)
            return await end(planned.hash, update)
        } catch {
            return await end(planned.hash, error)
        }
    }

    /// Books the end of a payment.
    private func end(_ hash: PaymentHash, _ update: PaymentUpdate) async -> Payment {
        await keepPaths(update)
        guard update.status == .succeeded else {
            let outcome = PaidProbeOutcome(failureReason: update.failureReason)
            await book(hash) { () throws(PostgresError) in try await ledger.fail(hash, update.failureReason) }
            return .notPaid(outcome, reason: update.failureReason)
        }
        await book(hash) { () throws(PostgresError) in
            try await ledger.settle(hash, paid: update.amount, fee: update.fee)
        }
        // Money has left, and what came back proves nothing.
        guard let preimage = update.preimage else {
            return .notPaid(.payFailed, reason: "the node's preimage is not the invoice's")
        }
        return .paid(preimage, fee: update.fee)
    }

    private func keepPaths(_ update: PaymentUpdate) async {
        guard let paths, !update.attempts.isEmpty, let own = await ownNode() else { return }
        do {
            try await paths.record(update.attempts, isProbe: false, from: own)
        } catch {
            logger.warning("the paths of a payment were not kept", metadata: ["error": "\(error)"])
        }
    }

    private func end(_ hash: PaymentHash, _ error: LNDError) async -> Payment {
        let outcome = Self.outcome(of: error)
        await book(hash) { () throws(PostgresError) in
            if outcome == .payUnknown {
                try await ledger.doubt(hash, error.description)
            } else {
                try await ledger.fail(hash, error.description)
            }
        }
        return .notPaid(outcome, reason: error.description)
    }

    /// What an error says: only one that surely came before anything was sent means "not paid".
    static func outcome(of error: LNDError) -> PaidProbeOutcome {
        switch error.errorClass {
        case .breakerOpen, .auth, .unsupported, .busy: return .nodeUnavailable
        case .transport, .cancelled: return .payUnknown
        case .answered: break
        }
        switch error.meaning {
        case .noRoute: return .routingFailed
        case .insufficientLocalBalance: return .localLiquidity
        case .invoiceExpired, .wrongNetwork, .invalidArgument: return .payFailed
        case .macaroonRefused, .notReady: return .nodeUnavailable
        case .alreadyPaid, .notFound, .invoiceAlreadyExists, .invoiceAlreadySettled, .unclassified, nil:
            return .payUnknown
        }
    }

    private func book(_ hash: PaymentHash, _ write: () async throws(PostgresError) -> Void) async {
        do {
            try await write()
        } catch {
            // The row stays reserved; the resumption asks the node and books what it says.
            logger.error(
                "the end of a payment was not booked yet",
                metadata: ["payment.hash": "\(hash.shortHex)", "error": "\(error)"]
            )
        }
    }

    /// Asks the node for payments without an end, and books what it says.
    ///
    /// - Parameter age: seconds since they were begun.
    /// - Returns: how many have an end now.
    public func resume(olderThan age: Int = resumptionAge) async throws(PostgresError) -> Int {
        var ended = 0
        for hash in try await ledger.openPayments(olderThan: age) {
            do throws(LNDError) {
                let update = try await node.trackPayment(hash, within: .seconds(10))
                _ = await end(hash, update)
                ended += 1
            } catch {
                guard error.meaning == .notFound else {
                    logger.warning(
                        "a payment's state is still unknown",
                        metadata: ["payment.hash": "\(hash.shortHex)", "error": "\(error)"]
                    )
                    continue
                }
                try await ledger.fail(hash, "the node was never asked")
                ended += 1
            }
        }
        return ended
    }
}
