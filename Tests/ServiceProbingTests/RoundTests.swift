// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import Evidence
import IPAddresses
import LightningPrimitives
import OutboundHTTP
import Postgres
import PostgresTestSupport
import Registries
import ServiceChecks
import ServiceProbing
import Synchronization
import Testing

/// Free checks against a service on the loopback.
struct RoundTests {
    private static func round(_ store: EndpointStore) -> EndpointRound {
        EndpointRound(
            store: store,
            checker: ServiceChecker(FakeService.client, network: .regtest),
            logger: silent
        )
    }

    private static func list(_ store: EndpointStore, _ urls: [String], sats: Int64? = nil) async throws {
        let services = urls.map { url in
            var service = ListedService(source: .index402, url: url)
            service.price = sats.map { .sat($0) }
            return service
        }
        _ = try await store.ingest(services) { _ in true }
    }

    private static func makeDue(_ client: PostgresClient) async throws {
        try await client.execute(Statement.test("UPDATE endpoints SET next_check_at = now()"))
    }

    private static func stages(_ client: PostgresClient) async throws -> [String] {
        let sql = """
            SELECT e.canonical_url || ' ' || o.stage || ' ' || o.success || ' ' || o.label FROM outcomes o
            JOIN endpoints e ON e.url_hash = o.id WHERE o.kind = 2 ORDER BY 1
            """
        return try await client.query(Statement.test(sql)).map { row in
            let text = try row.text(0)
            return String(text[(text.lastIndex(of: "/") ?? text.startIndex)...])
        }
    }

    private static func column(_ client: PostgresClient, _ expression: String, _ path: String) async throws -> String? {
        let sql = "SELECT (\(expression))::text FROM endpoints WHERE canonical_url LIKE '%' || $1"
        return try await client.query(Statement.test(sql), [.text(path)]).first?.optionalText(0)
    }

    @Test("each kind of answer is kept under its word and writes its stages")
    func answers() async throws {
        let payee = try Payee()
        try await FakeService.run { path, method, _ in
            switch path {
            case "/good": return FakeService.challenge(try payee.invoice(.sat(10)))
            case "/lsat": return FakeService.challenge(try payee.invoice(.sat(10)), scheme: "LSAT")
            case "/dear": return FakeService.challenge(try payee.invoice(.sat(16)))
            case "/mainnet": return FakeService.challenge(try payee.invoice(.sat(10), network: .mainnet))
            case "/stale": return FakeService.challenge(try payee.invoice(.sat(10), expirySeconds: 30))
            case "/unpriced": return FakeService.challenge(try payee.invoice(nil))
            case "/broken": return .init(status: 402, headers: [("WWW-Authenticate", "L402 macaroon=\"x\"")])
            case "/x402": return .init(status: 402, body: #"{"x402Version":1,"accepts":[]}"#)
            case "/open": return .init(body: "free for all")
            case "/later": return .init(status: 429, headers: [("Retry-After", "7200")])
            case "/post":
                return method == "POST"
                    ? FakeService.challenge(try payee.invoice(.sat(10)))
                    : .init(status: 405, headers: [("Allow", "POST")])
            default: return .init(status: 404)
            }
        } _: { service in
            try await CatalogueTests.withStore { (client, store) async throws in
                let paths = [
                    "good", "lsat", "dear", "mainnet", "stale", "unpriced", "broken", "x402", "open", "later", "post",
                    "gone",
                ]
                try await Self.list(store, paths.map { "\(service.base)/\($0)" }, sats: 10)
                let report = try await Self.round(store).run()
                #expect(report.checked == 12 && report.working == 2)
                #expect(
                    try await Self.stages(client) == [
                        "/broken 1 false challenge_broken", "/dear 1 true l402",
                        "/gone 1 false gone", "/good 1 true l402", "/good 2 true valid", "/lsat 1 true lsat",
                        "/lsat 2 true valid", "/mainnet 1 true l402", "/mainnet 2 false wrong_network",
                        "/open 1 false open", "/stale 1 true l402", "/stale 2 false expired", "/unpriced 1 true l402",
                        "/unpriced 2 false amount_mismatch",
                    ]
                )
                // A stranger's price is shown, and not held against the service.
                #expect(try await Self.column(client, "invoice_check", "/dear") == "amount_mismatch")
                #expect(try await Self.column(client, "answer", "/x402") == "protocol_x402")
                #expect(try await Self.column(client, "price_msat", "/good") == "10000")
                #expect(try await Self.column(client, "token_format", "/good") == "v2_tlv")
                #expect(try await Self.column(client, "lnget_compatible", "/good") == "true")
                #expect(
                    try await Self.column(client, "encode(payee, 'hex')", "/good") == payee.invoice(.sat(1)).payee.hex
                )
                #expect(
                    try await Self.column(client, "next_check_at > now() + interval '110 minutes'", "/later") == "true"
                )
                let seen = try await client.query(Statement.test("SELECT count(*) FROM seen_invoices"))
                #expect(try seen.first?.int8(0) == 6)
                // The method that the service names is used the next time.
                #expect(try await Self.column(client, "http_method", "/post") == "POST")
                try await Self.makeDue(client)
                _ = try await Self.round(store).run()
                #expect(try await Self.column(client, "answer", "/post") == "l402")
            }
        }
    }

    @Test("a look that was not made changes nothing but when the next one is")
    func missedLook() async throws {
        try await CatalogueTests.withStore { (client, store) async throws in
            try await Self.list(store, ["https://a.example/x"], sats: 3)
            let sql = """
                UPDATE endpoints SET last_status = 402, answer = 'l402', check_count = 7, success_count = 6,
                    last_latency_ms = 31, last_checked_at = to_timestamp(5)
                """
            try await client.execute(Statement.test(sql))
            let facts = "concat_ws(' ', last_status, answer, check_count, success_count, last_latency_ms, last_error)"
            try await Self.makeDue(client)
            // Nothing is asked while nobody knows the network.
            let checker = ServiceChecker(FakeService.client, network: { nil })
            #expect(try await EndpointRound(store: store, checker: checker, logger: silent).run().checked == 1)
            #expect(try await Self.column(client, facts, "/x") == "402 l402 7 6 31")
            #expect(try await Self.column(client, "extract(epoch FROM last_checked_at)::text", "/x") == "5.000000")
            #expect(try await Self.column(client, "next_check_at > now() + interval '4 minutes'", "/x") == "true")
            #expect(try await Self.stages(client).isEmpty)
        }
    }

    @Test("three answers 404 in a row deprecate an endpoint, priced or not, and a challenge brings it back")
    func deprecation() async throws {
        let payee = try Payee()
        let isGone = Mutex(true)
        try await FakeService.run { _, _, _ in
            isGone.withLock { $0 } ? .init(status: 404) : FakeService.challenge(try payee.invoice(.sat(3)))
        } _: { service in
            try await CatalogueTests.withStore { (client, store) async throws in
                try await Self.list(store, [service.base + "/x"], sats: 3)
                for round in 1...3 {
                    try await Self.makeDue(client)
                    _ = try await Self.round(store).run()
                    let isDeprecated = try await Self.column(client, "deprecated_at IS NOT NULL", "/x")
                    #expect(isDeprecated == (round == 3 ? "true" : "false"))
                }
                let pool = try await store.candidates(cap: .sat(5), expectedFee: .sat(1), pause: 0)
                #expect(pool.isEmpty)
                isGone.withLock { $0 = false }
                try await Self.makeDue(client)
                _ = try await Self.round(store).run()
                #expect(try await Self.column(client, "deprecated_at IS NULL AND gone_count = 0", "/x") == "true")
                #expect(try await store.candidates(cap: .sat(5), expectedFee: .sat(1), pause: 0).count == 1)
            }
        }
    }

    @Test("when nobody can be reached it is us who are cut off, and no service pays for it")
    func cutOff() async throws {
        struct Nowhere: NameResolver {
            func addresses(of name: String) async -> [IPAddress] { [] }
        }
        try await CatalogueTests.withStore { (client, store) async throws in
            try await Self.list(store, (0..<6).map { "https://h\($0).example/" })
            let http = OutboundHTTPClient(policy: AddressPolicy(), resolver: Nowhere())
            let round = EndpointRound(
                store: store,
                checker: ServiceChecker(http, network: .regtest),
                logger: silent
            )
            let report = try await round.run()
            #expect(report.checked == 6 && report.cutOff == 6)
            #expect(try await Self.stages(client).isEmpty)
            // One host alone is its own fault.
            try await client.execute(Statement.test("DELETE FROM endpoints WHERE host <> 'h0.example'"))
            try await Self.makeDue(client)
            #expect(try await round.run().cutOff == 0)
            #expect(try await Self.stages(client) == ["/ 1 false no_answer"])
        }
    }

    @Test("an endpoint inside our own network is never asked, and nothing is held against it")
    func inside() async throws {
        let asked = Mutex(0)
        try await FakeService.run { _, _, _ in
            asked.withLock { $0 += 1 }
            return .init()
        } _: { service in
            try await CatalogueTests.withStore { (client, store) async throws in
                try await Self.list(store, [service.base + "/x"])
                let http = OutboundHTTPClient(policy: AddressPolicy(own: OwnAddresses.read()))
                let checker = ServiceChecker(http, network: .regtest)
                _ = try await EndpointRound(store: store, checker: checker, logger: silent).run()
                #expect(asked.withLock { $0 } == 0)
                #expect(try await Self.stages(client).isEmpty)
                #expect(try await Self.column(client, "answer", "/x") == "address_refused")
            }
        }
    }
}
