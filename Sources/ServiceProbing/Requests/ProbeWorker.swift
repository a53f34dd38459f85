// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import LightningPrimitives
public import Logging
internal import Metrics
internal import OutboundHTTP
internal import Postgres
internal import ServiceChecks
public import ServiceLifecycle
internal import Synchronization

/// Does the probes that callers of the API ask for.
public final class ProbeWorker: Service {
    private let requests: ProbeRequestStore
    private let endpoints: EndpointStore
    private let checker: ServiceChecker
    /// `nil` when nothing can be paid here.
    private let buyer: ServiceBuyer?
    private let budget: SpendBudget
    private let requestDeadline: Duration
    private let owner: String
    private let logger: Logger

    /// For how many more probes there is room.
    private let places = Atomic<Int>(concurrency)

    /// Probes under way at a time.
    static let concurrency = 8

    /// - Parameters:
    ///   - budget: of all probes that callers ask for; what one may pay is what its caller has put down.
    ///   - requestDeadline: for each request to a target.
    ///   - owner: names this process.
    public init(
        requests: ProbeRequestStore,
        endpoints: EndpointStore,
        checker: ServiceChecker,
        buyer: ServiceBuyer?,
        budget: SpendBudget,
        requestDeadline: Duration = .seconds(15),
        owner: String,
        logger: Logger
    ) {
        self.requests = requests
        self.endpoints = endpoints
        self.checker = checker
        self.buyer = buyer
        self.budget = budget
        self.requestDeadline = requestDeadline
        self.owner = "\(owner) \(UUID().uuidString)"
        self.logger = logger
    }

    /// Works until graceful shutdown; probes under way are finished, because money may be on its way.
    public func run() async throws {
        let (wakes, wake) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            group.addTask {
                await cancelWhenGracefulShutdown {
                    for await _ in self.requests.client.listen(ProbeRequestStore.orders) { wake.yield() }
                    wake.finish()
                }
            }
            group.addTask {
                // For orders whose notification was lost.
                try? await cancelWhenGracefulShutdown {
                    while true {
                        try await Task.sleep(for: .seconds(10))
                        wake.yield()
                    }
                }
                wake.finish()
            }
            for await _ in wakes {
                // A slow target holds up its own place only.
                for order in await take() {
                    group.addTask {
                        await self.perform(order)
                        self.places.add(1, ordering: .relaxed)
                        wake.yield()
                    }
                }
            }
        }
    }

    /// Does all orders there are.
    public func workOff() async {
        while true {
            let orders = await take()
            guard !orders.isEmpty else { return }
            await withDiscardingTaskGroup { group in
                for order in orders { group.addTask { await self.perform(order) } }
            }
            places.add(orders.count, ordering: .relaxed)
        }
    }

    /// Takes as many orders as there are places for.
    private func take() async -> [ProbeOrder] {
        do {
            try await requests.sweep()
            let free = places.load(ordering: .relaxed)
            guard free > 0 else { return [] }
            let orders = try await requests.claim(limit: free, owner: owner)
            places.subtract(orders.count, ordering: .relaxed)
            return orders
        } catch {
            logger.warning("probe orders cannot be read", metadata: ["error": "\(error)"])
            return []
        }
    }

    private func perform(_ order: ProbeOrder) async {
        let begin = ContinuousClock.now
        do {
            let known = try await endpoints.find(url: order.url)
            let endpoint = Self.endpoint(order, known)
            let isListed = known?.url == order.url
            if let known { try await endpoints.noteQuery(known.hash) }
            if order.isDryRun {
                try await look(order, endpoint, isListed: isListed)
            } else {
                try await buy(order, endpoint, isListed: isListed)
            }
        } catch {
            logger.error("a probe was not booked", metadata: ["probe.id": "\(order.id)", "error": "\(error)"])
        }
        Metrics.Timer(label: "probe_duration_seconds").record(duration: ContinuousClock.now - begin)
    }

    /// The caller's own URL, asked as the catalogue says.
    private static func endpoint(_ order: ProbeOrder, _ known: Endpoint?) -> Endpoint {
        if let known, known.url == order.url { return known }
        let identity = EndpointIdentity(order.url)
        return Endpoint(
            unlisted: order.url,
            hash: identity?.hash ?? [],
            host: identity?.host ?? "",
            method: known?.method ?? "GET"
        )
    }

    private func look(_ order: ProbeOrder, _ endpoint: Endpoint, isListed: Bool) async throws {
        let check = await checker.check(endpoint, deadline: requestDeadline)
        count(check.offer == nil ? Self.word(check) : "success_200")
        if isListed, check.provesChallenge != nil {
            try await endpoints.record([check], wait: Self.nextLook)
        }
        try await requests.finish(
            order.id,
            owner: owner,
            result: ProbeResult(check),
            spent: .zero,
            billing: check.wasMade ? .look : .none
        )
    }

    private func buy(_ order: ProbeOrder, _ endpoint: Endpoint, isListed: Bool) async throws {
        guard let buyer else {
            count("probe_unavailable")
            let check = await checker.check(endpoint, deadline: requestDeadline)
            var result = ProbeResult(check)
            result.outcome = PaidProbeOutcome.nodeUnavailable.rawValue
            return try await requests.finish(order.id, owner: owner, result: result, spent: .zero, billing: .none)
        }
        var budget = budget
        budget.perPayment = order.maximum
        budget.perCycle = order.maximum + order.feeLimit
        let terms = PurchaseTerms(
            kind: .apiProbe,
            cycle: "api \(order.id)",
            budget: budget,
            feeLimit: order.feeLimit,
            requestDeadline: requestDeadline
        )
        let purchase = await buyer.buy(endpoint, terms: terms)
        count(Self.word(purchase))
        Counter(label: "probe_sats_paid_total").increment(by: purchase.paid.satCeiling)
        try await requests.finish(
            order.id,
            owner: owner,
            result: ProbeResult(purchase, includesCredential: order.includesCredential),
            spent: purchase.committed(feeLimit: order.feeLimit),
            billing: purchase.outcome.billing
        )
        if isListed { try await endpoints.record(purchase) }
    }

    private static func nextLook(_ check: ServiceCheck) -> Double {
        var generator = SystemRandomNumberGenerator()
        return EndpointRound.wait(check, using: &generator)
    }

    private func count(_ outcome: String) {
        Counter(label: "probe_total", dimensions: [("outcome", outcome)]).increment()
    }

    private static func word(_ check: ServiceCheck) -> String {
        check.answer == nil ? "upstream_unreachable" : "upstream_not_l402"
    }

    private static func word(_ purchase: ServicePurchase) -> String {
        switch purchase.outcome {
        case .qualityOK, .qualityLow, .emptyBody: "success_200"
        case .delivery4xx, .delivery5xx, .deliveryOther: "success_non200"
        case .invoiceDecodeFailed: "bolt11_invalid"
        case .overCap: "invoice_too_expensive"
        case .noResponse: "upstream_unreachable"
        case .not402, .noInvoice: "upstream_not_l402"
        case .nodeUnavailable, .overBudget, .payeeLimit: "probe_unavailable"
        case .selfPay, .duplicateInvoice, .localLiquidity, .payTimedOut, .payUnknown, .routingFailed, .payFailed:
            "payment_failed"
        }
    }
}
