// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import Evidence
public import LightningPrimitives
public import OutboundHTTP
public import ServiceChecks
internal import TrustScore

/// What a purchase may cost and is booked under.
public struct PurchaseTerms: Sendable {
    public var kind: PlannedPayment.Kind
    public var cycle: String
    public var budget: SpendBudget
    public var feeLimit: MilliSatoshi
    /// For each of the two requests.
    public var requestDeadline: Duration
    /// Nodes that are not paid, whoever has their invoices.
    public var refusedPayees: Set<NodeID> = []

    public init(
        kind: PlannedPayment.Kind,
        cycle: String,
        budget: SpendBudget,
        feeLimit: MilliSatoshi,
        requestDeadline: Duration = .seconds(8)
    ) {
        self.kind = kind
        self.cycle = cycle
        self.budget = budget
        self.feeLimit = feeLimit
        self.requestDeadline = requestDeadline
    }
}

/// A purchase from a service, from the challenge to the body.
public struct ServicePurchase: Sendable {
    /// The answer to the request with the token.
    public struct Delivery: Sendable {
        /// `nil` when no answer came.
        public let status: Int?
        public let latency: Duration
        public let contentType: String?
        /// At most 64 KiB.
        public let body: [UInt8]
    }

    public let check: ServiceCheck
    public let outcome: PaidProbeOutcome
    /// Why, in words.
    public let reason: String?
    /// What was paid without the fee; zero when nothing was.
    public let paid: MilliSatoshi
    public let fee: MilliSatoshi
    public let paymentDuration: Duration?
    /// Proof of payment.
    public let preimage: Preimage?
    public let delivery: Delivery?

    init(
        _ check: ServiceCheck,
        _ outcome: PaidProbeOutcome,
        reason: String? = nil,
        paid: MilliSatoshi = .zero,
        fee: MilliSatoshi = .zero,
        paymentDuration: Duration? = nil,
        preimage: Preimage? = nil,
        delivery: Delivery? = nil
    ) {
        self.check = check
        self.outcome = outcome
        self.reason = reason
        self.paid = paid
        self.fee = fee
        self.paymentDuration = paymentDuration
        self.preimage = preimage
        self.delivery = delivery
    }

    /// What has left our node or still may.
    func committed(feeLimit: MilliSatoshi) -> MilliSatoshi {
        guard outcome == .payUnknown else { return paid + fee }
        return (check.invoice?.amount ?? .zero) + feeLimit
    }

    /// What it says about the stages of payment, delivery and quality.
    var outcomes: [Outcome] {
        outcome.stageWrites.map { write in
            Outcome(
                target: .endpoint(check.endpoint.hash),
                source: .paid,
                stage: write.stage,
                success: write.isSuccess,
                weight: PaidProbeOutcome.weight,
                label: write.label,
                observedAt: check.at
            )
        }
    }
}

/// Buys from services.
public struct ServiceBuyer: Sendable {
    private let checker: ServiceChecker
    private let http: OutboundHTTPClient
    private let purse: Purse
    private let ownNode: @Sendable () async -> NodeID?

    /// - Parameter ownNode: the node that pays, which cannot pay itself.
    public init(
        checker: ServiceChecker,
        http: OutboundHTTPClient,
        purse: Purse,
        ownNode: @escaping @Sendable () async -> NodeID?
    ) {
        self.checker = checker
        self.http = http
        self.purse = purse
        self.ownNode = ownNode
    }

    /// Asks, pays and asks again.
    public func buy(_ endpoint: Endpoint, terms: PurchaseTerms) async -> ServicePurchase {
        let check = await checker.check(endpoint, deadline: terms.requestDeadline)
        if let refusal = await refusal(of: check, terms) { return ServicePurchase(check, refusal.0, reason: refusal.1) }
        guard let offer = check.offer, let invoice = check.invoice else { return ServicePurchase(check, .noInvoice) }
        let begin = ContinuousClock.now
        let payment = await purse.pay(
            invoice,
            kind: terms.kind,
            cycle: terms.cycle,
            endpoint: endpoint.hash,
            feeLimit: terms.feeLimit,
            budget: terms.budget
        )
        let duration = ContinuousClock.now - begin
        switch payment {
        case .notPaid(let outcome, let reason):
            return ServicePurchase(check, outcome, reason: reason, paymentDuration: duration)
        case .paid(let preimage, let fee):
            let delivery = await collect(endpoint, "\(offer.token):\(preimage.hex)", terms.requestDeadline)
            let outcome = PaidProbeOutcome(
                status: delivery.status,
                contentType: delivery.contentType,
                body: delivery.body
            )
            return ServicePurchase(
                check,
                outcome,
                paid: invoice.amount ?? .zero,
                fee: fee,
                paymentDuration: duration,
                preimage: preimage,
                delivery: delivery
            )
        }
    }

    /// Why nothing is bought.
    private func refusal(of check: ServiceCheck, _ terms: PurchaseTerms) async -> (PaidProbeOutcome, String)? {
        if !check.wasMade { return (.nodeUnavailable, "the service was not asked") }
        guard let answer = check.answer else { return (.noResponse, check.error.map { "\($0)" } ?? "no answer") }
        guard check.status == 402 else { return (.not402, "status \(check.status ?? 0)") }
        guard check.offer != nil else { return (.noInvoice, answer.label) }
        guard let invoice = check.invoice, (invoice.amount ?? .zero) > .zero else {
            return (.invoiceDecodeFailed, check.invoice == nil ? "the invoice cannot be read" : "no amount")
        }
        // The price may have changed since a directory read it; what it may be is the budget's to say.
        if let found = check.invoiceCheck, found != .valid, found != .amountMismatch {
            return (.invoiceDecodeFailed, found.rawValue)
        }
        guard let own = await ownNode() else { return (.nodeUnavailable, "the paying node does not say who it is") }
        if invoice.payee == own { return (.selfPay, "the payee is our own node") }
        return terms.refusedPayees.contains(invoice.payee) ? (.payeeLimit, "the payee has had its share") : nil
    }

    /// Asks with the token; once more when the service has not seen the payment yet.
    private func collect(_ endpoint: Endpoint, _ token: String, _ deadline: Duration) async -> ServicePurchase.Delivery
    {
        var delivery = await ask(endpoint, token, deadline)
        if delivery.status == 503 {
            try? await Task.sleep(for: .seconds(1))
            delivery = await ask(endpoint, token, deadline)
        }
        return delivery
    }

    private func ask(_ endpoint: Endpoint, _ token: String, _ deadline: Duration) async -> ServicePurchase.Delivery {
        let begin = ContinuousClock.now
        do {
            let answer = try await http.send(
                try ServiceChecker.request(endpoint, token: token, deadline: deadline)
            )
            return .init(
                status: answer.status,
                latency: answer.duration,
                contentType: answer.header("content-type"),
                body: answer.body
            )
        } catch {
            return .init(status: nil, latency: ContinuousClock.now - begin, contentType: nil, body: [])
        }
    }
}
