// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import Foundation
public import LightningPrimitives
public import Logging
internal import Metrics
internal import Postgres
internal import ServiceChecks
internal import Synchronization

/// What paid probes may cost.
public struct PaidProbeLimits: Sendable, Hashable {
    public var budget: SpendBudget
    public var probes: Int
    public var feeLimit: MilliSatoshi
    /// Seconds before an endpoint is bought from again.
    public var pause: Double

    public init(budget: SpendBudget, probes: Int, feeLimit: MilliSatoshi, pause: Double) {
        self.budget = budget
        self.probes = probes
        self.feeLimit = feeLimit
        self.pause = pause
    }
}

/// Buys where a purchase teaches most.
///
/// There is no second, slower sweep over the rest: utility falls with what is known and rises with what is asked for, and a
/// tenth of every budget goes to endpoints drawn by lot, so none is forgotten.
public struct PaidProbes: Sendable {
    private let store: EndpointStore
    private let buyer: ServiceBuyer
    private let ledger: SpendLedger
    private let limits: PaidProbeLimits
    private let logger: Logger
    private let failures = RecentFailures()

    public init(
        store: EndpointStore,
        buyer: ServiceBuyer,
        ledger: SpendLedger,
        limits: PaidProbeLimits,
        logger: Logger
    ) {
        self.store = store
        self.buyer = buyer
        self.ledger = ledger
        self.limits = limits
        self.logger = logger
    }

    /// What a payment is expected to cost on top; the fee limit is what it may cost.
    private var expectedFee: MilliSatoshi { min(limits.feeLimit, .sat(1)) }

    /// Makes one cycle of probes, one after the other.
    ///
    /// - Returns: the outcomes, by word.
    @discardableResult
    public func run() async throws -> [String: Int] {
        let left = limits.budget.perDay.msat - (try await ledger.spentToday(.paidProbe)).msat
        let budget = MilliSatoshi(msat: max(0, min(left, limits.budget.perCycle.msat)))
        var outcomes: [String: Int] = [:]
        defer { Gauge(label: "spend_budget_remaining_msat", dimensions: [("window", "24h")]).record(left) }
        guard budget > .zero else { return outcomes }
        let failed = failures.since(.now - .seconds(limits.pause))
        let candidates = try await store.candidates(
            cap: limits.budget.perPayment,
            expectedFee: expectedFee,
            pause: limits.pause
        ).filter { !failed.contains($0.endpoint) }
        var generator = SystemRandomNumberGenerator()
        let choice = PaidProbeChoice.Limits(budget: budget, probes: limits.probes)
        let chosen = PaidProbeChoice.choose(candidates, limits: choice, using: &generator)
        var payees: [NodeID: Int] = [:]
        var terms = PurchaseTerms(
            kind: .paidProbe,
            cycle: "paid \(UUID().uuidString)",
            budget: limits.budget,
            feeLimit: limits.feeLimit
        )
        for candidate in chosen {
            try Task.checkCancellation()
            guard let endpoint = try await store.find(candidate.endpoint) else { continue }
            let purchase = await buyer.buy(endpoint, terms: terms)
            if purchase.paymentDuration != nil, let payee = purchase.check.invoice?.payee {
                // Known for certain only now: an invoice may name another payee than the one that was looked at.
                payees[payee, default: 0] += 1
                if payees[payee] == choice.perPayee { terms.refusedPayees.insert(payee) }
            }
            outcomes[purchase.outcome.rawValue, default: 0] += 1
            try await record(purchase)
            if purchase.outcome == .overBudget { break }
            if purchase.paid == .zero { failures.note(purchase.check.endpoint.hash) }
        }
        return outcomes
    }

    private func record(_ purchase: ServicePurchase) async throws {
        Counter(label: "paid_probe_total", dimensions: [("outcome", purchase.outcome.rawValue)]).increment()
        logger.info(
            "paid probe",
            metadata: [
                "endpoint.host": "\(purchase.check.endpoint.host)", "probe.outcome": "\(purchase.outcome.rawValue)",
                "probe.paid_msat": "\(purchase.paid.msat)", "probe.fee_msat": "\(purchase.fee.msat)",
            ]
        )
        try await store.record(purchase)
    }
}

/// Endpoints where nothing could be bought lately: without a pause of their own they would fill every cycle.
private final class RecentFailures: Sendable {
    private let times = Mutex<[[UInt8]: ContinuousClock.Instant]>([:])

    func note(_ endpoint: [UInt8]) { times.withLock { $0[endpoint] = .now } }

    /// Those since an instant; older ones are forgotten.
    func since(_ instant: ContinuousClock.Instant) -> Set<[UInt8]> {
        times.withLock { times in
            times = times.filter { $0.value > instant }
            return Set(times.keys)
        }
    }
}
