// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Evidence
import LightningPrimitives
import Postgres
import PostgresTestSupport
import ServiceChecks
import Testing

@testable import ServiceProbing

/// Targets that want to be probed for nothing, or in the way of others.
extension PurchaseTests {
    @Test("a target that answers slowly holds up nobody else's probe")
    func slowTarget() async throws {
        let payee = try Payee()
        let (bought, noteBought) = AsyncStream<Void>.makeStream()
        try await FakeService.run { path, _, _ in
            if path == "/quick" {
                noteBought.yield()
            } else {
                // Answers once the other has been asked; a worker that waits for this one first gets no answer.
                for await _ in bought { break }
            }
            return .init(body: "for nothing at all")
        } _: { service in
            try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 4) { client in
                let shop = Shop(
                    client: client,
                    store: EndpointStore(client),
                    node: FakeNode(payee),
                    payee: payee,
                    base: service.base
                )
                let requests = ProbeRequestStore(client)
                let slow = Self.order(service.base + "/slow", dry: true)
                // Another host, because a host is asked once at a time.
                let other = service.base.replacing("127.0.0.1", with: "localhost")
                let quick = Self.order(other + "/quick", dry: true)
                let desk = ProbeDesk(client)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await desk.run() }
                    group.addTask { try await shop.worker().run() }
                    group.addTask {
                        let status = try await desk.submit(slow, claimDeadline: .seconds(60), deadline: .seconds(60))
                        #expect(status?.result?.answer == "open")
                    }
                    while try await requests.status(slow.id)?.state != .running { await Task.yield() }
                    let status = try await desk.submit(quick, claimDeadline: .seconds(60), deadline: .seconds(60))
                    #expect(status?.result?.answer == "open")
                    while try await requests.status(slow.id)?.state != .done { await Task.yield() }
                    group.cancelAll()
                }
            }
        }
    }

    @Test("a target that hands out one invoice twice costs its prober a look, one that could not be asked nothing")
    func usedInvoice() async throws {
        let payee = try Payee()
        let node = FakeNode(payee)
        let invoice = try payee.invoice(.sat(5))
        try await FakeService.run { _, _, authorization in
            authorization == nil ? FakeService.challenge(invoice) : .init(body: "paid for once and for all")
        } _: { service in
            try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 4) { client in
                let store = EndpointStore(client)
                let shop = Shop(client: client, store: store, node: node, payee: payee, base: service.base)
                let requests = ProbeRequestStore(client)
                var found: [ProbeStatus] = []
                for _ in 0..<2 {
                    let order = Self.order(service.base + "/x")
                    try await requests.submit(order)
                    await shop.worker().workOff()
                    found.append(try #require(try await requests.status(order.id)))
                }
                #expect(found.map(\.billing) == [.probe, .look] && node.calls.count == 1)
                #expect(found[1].result?.outcome == "skipped_duplicate_invoice")
            }
        }
        // A checker that does not know its network asks nobody.
        let checker = ServiceChecker(FakeService.client, network: { nil })
        try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
            let buyer = ServiceBuyer(
                checker: checker,
                http: FakeService.client,
                purse: Purse(node, ledger: SpendLedger(client), logger: silent),
                ownNode: { nil }
            )
            let endpoint = Endpoint(unlisted: "http://127.0.0.1:1/", hash: [], host: "127.0.0.1", method: "GET")
            let terms = PurchaseTerms(kind: .apiProbe, cycle: "c", budget: Shop.budget, feeLimit: .sat(10))
            let outcome = await buyer.buy(endpoint, terms: terms).outcome
            #expect(outcome == .nodeUnavailable && outcome.billing == .none)
        }
    }
}
