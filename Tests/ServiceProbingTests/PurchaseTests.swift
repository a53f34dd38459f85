// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import LND
import LightningPrimitives
import Postgres
import PostgresTestSupport
import Registries
import ServiceChecks
import ServiceProbing
import Synchronization
import Testing

/// Purchases from a service on the loopback, paid by a node of the test.
struct PurchaseTests {
    struct Shop: Sendable {
        let client: PostgresClient
        let store: EndpointStore
        let node: FakeNode
        let payee: Payee
        let base: String

        func buyer(own: NodeID? = nil) -> ServiceBuyer {
            let http = FakeService.client
            let fallback = try? Payee().invoice(.sat(1)).payee
            return ServiceBuyer(
                checker: ServiceChecker(http, network: .regtest),
                http: http,
                purse: Purse(node, ledger: SpendLedger(client), logger: silent),
                ownNode: { own ?? fallback }
            )
        }

        static let budget = SpendBudget(perPayment: .sat(5), perCycle: .sat(50), perDay: .sat(1000))

        var terms: PurchaseTerms {
            PurchaseTerms(kind: .paidProbe, cycle: "c", budget: Self.budget, feeLimit: .sat(10))
        }

        func buy(_ path: String, own: NodeID? = nil) async throws -> ServicePurchase {
            let url = base + path
            _ = try await store.ingest([ListedService(source: .index402, url: url)]) { _ in true }
            let endpoint = try #require(try await store.find(url: url))
            return await buyer(own: own).buy(endpoint, terms: terms)
        }

        func worker(pays: Bool = true) -> ProbeWorker {
            ProbeWorker(
                requests: ProbeRequestStore(client),
                endpoints: store,
                checker: ServiceChecker(FakeService.client, network: .regtest),
                buyer: pays ? buyer() : nil,
                budget: Self.budget,
                owner: "test",
                logger: silent
            )
        }
    }

    /// A shop whose pages serve, for 5 sat, what their names say.
    static func withShop(_ body: @escaping @Sendable (Shop) async throws -> Void) async throws {
        let payee = try Payee()
        let node = FakeNode(payee)
        try await FakeService.run { path, _, authorization in
            guard let authorization else {
                switch path {
                case "/open": return .init(body: "for nothing at all")
                case "/dear": return FakeService.challenge(try payee.invoice(.sat(6)))
                case "/unpriced": return FakeService.challenge(try payee.invoice(nil))
                case "/foreign": return FakeService.challenge(try payee.invoice(.sat(5), network: .mainnet))
                default: return FakeService.challenge(try payee.invoice(.sat(5)))
                }
            }
            // Only who shows a preimage of this payee's is served.
            let preimage = authorization.split(separator: ":").last.flatMap { Preimage(hex: $0) }
            guard authorization.hasPrefix("L402 "), let preimage,
                payee.preimage(of: preimage.paymentHash) == preimage
            else { return .init(status: 402) }
            switch path {
            case "/empty": return .init(body: "{}")
            case "/denied": return .init(status: 403, body: "no, not you, ever")
            case "/failing": return .init(status: 500, body: "out of order today")
            case "/poor": return .init(headers: [("Content-Type", "application/json")], body: #"{"error":"no data"}"#)
            default:
                return .init(headers: [("Content-Type", "application/json")], body: #"{"price":64000,"unit":"usd"}"#)
            }
        } _: { service in
            try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 4) { client in
                try await body(
                    Shop(client: client, store: EndpointStore(client), node: node, payee: payee, base: service.base)
                )
            }
        }
    }

    @Test("a purchase ends with the outcome of what was served, and money is spent only where something was sold")
    func outcomes() async throws {
        try await Self.withShop { (shop) async throws in
            let cases: [(String, String, Int64)] = [
                ("/good", "quality_ok", 5), ("/empty", "delivery_empty_body", 5), ("/denied", "delivery_4xx", 5),
                ("/failing", "delivery_5xx", 5), ("/poor", "quality_low", 5), ("/open", "probe_not_402", 0),
                ("/dear", "skipped_over_cap", 0), ("/unpriced", "skipped_invoice_decode_failed", 0),
                ("/foreign", "skipped_invoice_decode_failed", 0),
            ]
            for (path, outcome, sats) in cases {
                let purchase = try await shop.buy(path)
                #expect(purchase.outcome.rawValue == outcome, "\(path): \(purchase.reason ?? "")")
                #expect(purchase.paid == .sat(sats) && (purchase.preimage != nil) == (sats > 0))
            }
            let payee = try shop.payee.invoice(.sat(1)).payee
            #expect(try await shop.buy("/self", own: payee).outcome == .selfPay)
            #expect(shop.node.calls.count == 5)
            #expect(try await SpendLedger(shop.client).spentToday(.paidProbe) == MilliSatoshi(msat: 5 * 5007))
        }
    }

    @Test("a payee that has had its share is not paid, whoever shows its invoice")
    func payeeShare() async throws {
        try await Self.withShop { (shop) async throws in
            let url = shop.base + "/good"
            _ = try await shop.store.ingest([ListedService(source: .index402, url: url)]) { _ in true }
            let endpoint = try #require(try await shop.store.find(url: url))
            var terms = shop.terms
            terms.refusedPayees = [try shop.payee.invoice(.sat(1)).payee]
            let purchase = await shop.buyer().buy(endpoint, terms: terms)
            #expect(purchase.outcome == .payeeLimit && purchase.outcome.stageWrites.isEmpty)
            #expect(shop.node.calls.isEmpty)
        }
    }

    @Test("a cycle of paid probes buys within its budget and writes the stages it has reached")
    func cycle() async throws {
        try await Self.withShop { (shop) async throws in
            let urls = ["/good", "/poor", "/dear", "/open"].map {
                ListedService(source: .index402, url: shop.base + $0)
            }
            _ = try await shop.store.ingest(urls) { _ in true }
            let checker = ServiceChecker(FakeService.client, network: .regtest)
            _ = try await EndpointRound(store: shop.store, checker: checker, logger: silent).run()
            let probes = PaidProbes(
                store: shop.store,
                buyer: shop.buyer(),
                ledger: SpendLedger(shop.client),
                limits: PaidProbeLimits(budget: Shop.budget, probes: 10, feeLimit: .sat(10), pause: 3600),
                logger: silent
            )
            // The dear one is known to be dear, the open one to sell nothing.
            #expect(try await probes.run() == ["quality_ok": 1, "quality_low": 1])
            let sql = """
                SELECT stage || ' ' || success || ' ' || weight || ' ' || label FROM outcomes
                WHERE source = 3 ORDER BY 1
                """
            let written = try await shop.client.query(Statement.test(sql)).map { try $0.text(0) }
            #expect(
                written == [
                    "3 true 2 pay_ok", "3 true 2 pay_ok", "4 true 2 delivery_ok", "4 true 2 delivery_ok",
                    "5 false 2 quality_low", "5 true 2 quality_ok",
                ]
            )
            // Bought a moment ago: not again.
            #expect(try await probes.run().isEmpty)
        }
    }

    @Test("an endpoint where nothing could be bought has to wait like one that was bought from")
    func failurePause() async throws {
        try await Self.withShop { (shop) async throws in
            _ = try await shop.store.ingest([ListedService(source: .index402, url: shop.base + "/good")]) { _ in true }
            let checker = ServiceChecker(FakeService.client, network: .regtest)
            _ = try await EndpointRound(store: shop.store, checker: checker, logger: silent).run()
            shop.node.behave(.fail("FAILURE_REASON_NO_ROUTE"))
            let probes = PaidProbes(
                store: shop.store,
                buyer: shop.buyer(),
                ledger: SpendLedger(shop.client),
                limits: PaidProbeLimits(budget: Shop.budget, probes: 10, feeLimit: .sat(10), pause: 3600),
                logger: silent
            )
            let outcomes = [try await probes.run(), try await probes.run()]
            #expect(outcomes == [["pay_routing_failed": 1], [:]])
        }
    }

    @Test("our own lack of money is not held against a service, a missing route is")
    func blame() async throws {
        try await Self.withShop { (shop) async throws in
            for (reason, count) in [
                ("FAILURE_REASON_INSUFFICIENT_BALANCE", 0), ("FAILURE_REASON_TIMEOUT", 0),
                ("FAILURE_REASON_NO_ROUTE", 1),
            ] {
                shop.node.behave(.fail(reason))
                let purchase = try await shop.buy("/good")
                try await shop.store.record(purchase)
                let rows = try await shop.client.query(
                    Statement.test("SELECT count(*) FROM outcomes WHERE source = 3")
                )
                #expect(try rows.first?.int8(0) == Int64(count), "\(reason)")
            }
            #expect(try await SpendLedger(shop.client).spentToday(.paidProbe) == .zero)
        }
    }

    // MARK: Probes for callers

    static func order(_ url: String, dry: Bool = false, credential: Bool = false, sats: Int64 = 5) -> ProbeOrder {
        ProbeOrder(
            url: url,
            isDryRun: dry,
            includesCredential: credential,
            maximum: .sat(sats),
            feeLimit: .sat(10),
            holder: [7]
        )
    }

    @Test("an order is done by a worker and its result read by its holder only")
    func orders() async throws {
        try await Self.withShop { (shop) async throws in
            let requests = ProbeRequestStore(shop.client)
            let cases: [(ProbeOrder, String, String, Int64, ProbeBilling)] = [
                (Self.order(shop.base + "/good"), "L402", "quality_ok", 5007, .probe),
                (Self.order(shop.base + "/good", dry: true), "L402", "valid", 0, .look),
                (Self.order(shop.base + "/good", sats: 4), "L402", "skipped_over_cap", 0, .look),
                (Self.order(shop.base + "/open"), "NOT_L402", "probe_not_402", 0, .look),
                (Self.order("http://127.0.0.1:1/"), "UNREACHABLE", "probe_no_response", 0, .look),
            ]
            for (order, target, outcome, spent, billing) in cases {
                try await requests.submit(order)
                await shop.worker().workOff()
                let status = try #require(try await requests.status(order.id))
                #expect(status.state == .done && status.result?.target == target)
                #expect(status.result?.outcome == outcome)
                #expect(status.spent.msat == spent && status.billing == billing, "\(outcome)")
                #expect(status.result?.payment?.preimage == nil)
                #expect(try await requests.status(.random()) == nil)
            }
            let secret = Self.order(shop.base + "/good", credential: true)
            try await requests.submit(secret)
            await shop.worker().workOff()
            let payment = try await requests.status(secret.id)?.result?.payment
            #expect(payment?.preimage.flatMap { Preimage(hex: $0) }?.paymentHash.hex == payment?.paymentHash)
            #expect(payment?.macaroon != nil)
        }
    }

    @Test("an order that cannot be paid for here costs nothing")
    func unavailable() async throws {
        try await Self.withShop { (shop) async throws in
            let requests = ProbeRequestStore(shop.client)
            let order = Self.order(shop.base + "/good")
            try await requests.submit(order)
            await shop.worker(pays: false).workOff()
            let status = try #require(try await requests.status(order.id))
            #expect(status.billing == .none && status.result?.outcome == "pay_node_unavailable")
            shop.node.behave(.fail("FAILURE_REASON_INSUFFICIENT_BALANCE"))
            let poor = Self.order(shop.base + "/good")
            try await requests.submit(poor)
            await shop.worker().workOff()
            #expect(try await requests.status(poor.id)?.billing == ProbeBilling.none)
        }
    }

    @Test("the desk hands an order to a running worker and gets its result; without a worker it takes the order back")
    func desk() async throws {
        try await Self.withShop { (shop) async throws in
            let desk = ProbeDesk(shop.client)
            let lonely = try await desk.submit(Self.order(shop.base + "/good"), claimDeadline: .milliseconds(50))
            #expect(lonely?.state == .dropped)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await desk.run() }
                group.addTask { try await shop.worker().run() }
                let status = try await desk.submit(
                    Self.order(shop.base + "/good"),
                    claimDeadline: .seconds(60),
                    deadline: .seconds(60)
                )
                #expect(status?.state == .done && status?.result?.stages["quality"] == "ok")
                group.cancelAll()
            }
            #expect(shop.node.calls.count == 1)
        }
    }

    @Test("a caller that waits no longer is charged, and what was not used is due back when the payment has an end")
    func slow() async throws {
        try await Self.withShop { (shop) async throws in
            let requests = ProbeRequestStore(shop.client)
            shop.node.behave(.loseAnswer)
            let order = Self.order(shop.base + "/good")
            try await requests.submit(order)
            #expect(try await requests.noteCharge(order.id, .sat(20), hold: [UInt8](repeating: 1, count: 16)))
            await shop.worker().workOff()
            let status = try #require(try await requests.status(order.id))
            #expect(status.result?.outcome == "pay_unknown" && status.billing == .probe && status.spent == .sat(15))
            // Nobody knows yet whether the target takes the money.
            #expect(try await requests.refundsDue().isEmpty)
            _ = try await Purse(shop.node, ledger: SpendLedger(shop.client), logger: silent).resume(olderThan: 0)
            let due = try #require(try await requests.refundsDue().first)
            #expect(due.id == order.id && due.spent == MilliSatoshi(msat: 5007) && due.billing == .probe)

            // One that the node says was never paid costs nothing, though its answer was lost as well.
            let other = Self.order(shop.base + "/good")
            shop.node.behave(.refuse(.transport, nil))
            try await requests.submit(other)
            await shop.worker().workOff()
            #expect(try await requests.noteCharge(other.id, .sat(20), hold: [UInt8](repeating: 2, count: 16)))
            _ = try await Purse(shop.node, ledger: SpendLedger(shop.client), logger: silent).resume(olderThan: 0)
            let free = try #require(try await requests.refundsDue().first { $0.id == other.id })
            #expect(free.spent == .zero && free.billing == ProbeBilling.none)
        }
    }

    @Test("no more orders are taken in an hour than the limits allow, one payer's own limit included")
    func hourlyLimits() async throws {
        try await Self.withShop { (shop) async throws in
            let requests = ProbeRequestStore(shop.client)
            func submit(_ holder: UInt8) async throws -> Bool {
                let order = ProbeOrder(
                    url: shop.base,
                    isDryRun: false,
                    includesCredential: false,
                    maximum: .zero,
                    feeLimit: .zero,
                    holder: [holder]
                )
                return try await requests.submit(order, limits: ProbeLimits(perHour: 3, perHolderAndHour: 2))
            }
            let answers = [
                try await submit(1), try await submit(1), try await submit(1), try await submit(2), try await submit(3),
            ]
            #expect(answers == [true, true, false, true, false])
        }
    }

    @Test("one buyer gets half of an hour however many payments it makes, the next half of the rest; looks get half")
    func shares() async throws {
        @Sendable func submit(_ requests: ProbeRequestStore, _ source: String, isLook: Bool = false) async throws
            -> Bool
        {
            let order = ProbeOrder(
                url: "https://a.example/",
                isDryRun: isLook,
                includesCredential: false,
                maximum: .zero,
                feeLimit: .zero,
                holder: Preimage.random().bytes,
                source: source
            )
            return try await requests.submit(order, limits: ProbeLimits(perHour: 20, perHolderAndHour: 10))
        }
        try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 8) { client in
            let requests = ProbeRequestStore(client)
            for (source, share) in [("a", 10), ("b", 5), ("c", 3), ("d", 1), ("e", 1), ("f", 0)] {
                // All at once: none slips through beside the others.
                let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<25 { group.addTask { try await submit(requests, source) } }
                    return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
                }
                #expect(taken == share, "\(source)")
            }
            try await client.execute(Statement.test("DELETE FROM probe_requests"))
            var looks = 0
            for source in 0..<20 where try await submit(requests, "\(source)", isLook: true) { looks += 1 }
            #expect(looks == 10)
            #expect(try await submit(requests, "z"))
        }
    }

    @Test("an order whose worker has died is given up, never done twice")
    func deadWorker() async throws {
        try await Self.withShop { (shop) async throws in
            let requests = ProbeRequestStore(shop.client)
            let order = Self.order(shop.base + "/good")
            try await requests.submit(order)
            try await shop.client.execute(
                Statement.test(
                    "UPDATE probe_requests SET state = 'running', owner = 'dead', lease_until = now() - interval '1 s'"
                )
            )
            await shop.worker().workOff()
            #expect(try await requests.status(order.id)?.state == .dropped)
            #expect(shop.node.calls.isEmpty)
        }
    }
}
