// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Evidence
import LND
import LightningPrimitives
import Postgres
import PostgresTestSupport
import Synchronization
import Testing

@testable import ServiceProbing

/// HTLC probes: what they teach, and that they keep their limits.
struct HTLCProbeTests {
    private final class Router: ProbingNode {
        let failure = Mutex<HTLCFailure?>(HTLCFailure(code: .unknownPaymentDetails, sourceIndex: 2))
        let sent = Mutex<[PaymentHash]>([])
        let middle: NodeID
        init(_ middle: NodeID) { self.middle = middle }

        /// What the next probes end with; `nil` loses their answers.
        func answer(_ failure: HTLCFailure?) { self.failure.withLock { $0 = failure } }

        func queryRoutes(_ query: RouteQuery) async throws(LNDError) -> RouteAnswer {
            let hops = [middle, query.target].enumerated().map { index, node in
                PaymentRoute.Hop(
                    channel: ShortChannelID(rawValue: UInt64(index + 1)),
                    node: node,
                    amountToForward: query.amount,
                    fee: MilliSatoshi(msat: index == 0 ? 1000 : 0),
                    expiry: 100
                )
            }
            return RouteAnswer(
                route: PaymentRoute(
                    hops: hops,
                    totalTimeLock: 140,
                    totalFees: .sat(1),
                    totalAmount: query.amount + .sat(1)
                ),
                successProbability: 0.7
            )
        }

        func sendToRoute(
            _ route: PaymentRoute,
            hash: PaymentHash,
            paymentSecret: [UInt8]?,
            within patience: Duration
        ) async throws(LNDError) -> HTLCAttempt {
            sent.withLock { $0.append(hash) }
            guard let failure = failure.withLock({ $0 }) else { throw FakeNode.error(.transport) }
            return HTLCAttempt(status: .failed, route: route, failure: failure, preimage: nil)
        }
    }

    private static func node(_ number: UInt8) throws -> NodeID {
        try #require(NodeID([2] + [UInt8](repeating: number, count: 32)))
    }

    /// Endpoints that somebody has just asked for, each with a payee of its own.
    private static func with(
        hot: ClosedRange<UInt8>,
        limits: HTLCProbeLimits = HTLCProbeLimits(),
        _ body: @escaping @Sendable (PostgresClient, HTLCProbes, Router) async throws -> Void
    ) async throws {
        try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
            for number in hot {
                let statement = Statement.test(
                    """
                    INSERT INTO endpoints (url_hash, url, canonical_url, host, sources, payee, last_query_at)
                    VALUES (sha256($1), $2, $2, $2, '{402index}', $1, now())
                    """
                )
                try await client.execute(statement, [.bytea(try node(number).bytes), .text("h\(number)")])
            }
            let router = Router(try node(200))
            let own = try node(201)
            let probes = HTLCProbes(client, node: router, ownNode: { own }, limits: limits, logger: silent)
            try await body(client, probes, router)
        }
    }

    private static func one(_ client: PostgresClient, _ sql: String) async throws -> String? {
        try await client.query(Statement.test("SELECT (\(sql))::text")).first?.optionalText(0)
    }

    @Test("a probe that the payee refuses shows that the whole path could, and counts for the payee")
    func reached() async throws {
        try await Self.with(hot: 1...1) { (client, probes, router) async throws in
            #expect(try await probes.run() == ["incorrect_or_unknown_payment_details": 1])
            let paths = try await client.paths()
            #expect(paths.count == 1 && paths[0].failedHop == nil && paths[0].kind == .htlcProbe)
            #expect(paths[0].hops.map(\.channel) == [1, 2] && paths[0].hops.map(\.direction) == [1, 1])
            #expect(paths[0].hops.map(\.amountMsat) == [10_001_000, 10_000_000])
            let sql = "SELECT string_agg(kind || ' ' || source || ' ' || success || ' ' || weight, ',') FROM outcomes"
            #expect(try await Self.one(client, "(\(sql))") == "1 1 true 3")
            // Probed a moment ago: not again.
            #expect(try await probes.run().isEmpty)
            #expect(router.sent.withLock { $0.count } == 1)
        }
    }

    @Test("a failure on the way is the channel's, and the payee's only when it was its own channel")
    func failures() async throws {
        for (index, outcomes) in [(0, "0"), (1, "1")] {
            try await Self.with(hot: 1...1) { (client, probes, router) async throws in
                router.answer(HTLCFailure(code: .temporaryChannelFailure, sourceIndex: index))
                try await probes.run()
                #expect(try await client.paths().map(\.failedHop) == [index])
                #expect(try await Self.one(client, "(SELECT count(*) FROM outcomes WHERE NOT success)") == outcomes)
            }
        }
    }

    @Test("a stale fee teaches nothing about what a channel can carry")
    func staleFee() async throws {
        try await Self.with(hot: 1...1) { (client, probes, router) async throws in
            router.answer(HTLCFailure(code: .feeInsufficient, sourceIndex: 0))
            try await probes.run()
            #expect(try await client.paths().isEmpty)
        }
    }

    @Test("no more is sent or locked than the limits allow; what is lost stays locked")
    func limits() async throws {
        var limits = HTLCProbeLimits()
        limits.perHour = 5
        try await Self.with(hot: 1...12, limits: limits) { (client, probes, router) async throws in
            try await probes.run()
            #expect(router.sent.withLock { $0.count } == 5)
        }
        try await Self.with(hot: 1...12) { (client, probes, router) async throws in
            router.answer(nil)
            let outcomes = try await probes.run()
            #expect(outcomes == ["unknown": 4])
            #expect(try await probes.run().isEmpty)
            #expect(
                try await Self.one(client, "(SELECT sum(amount_msat) FROM htlc_probes WHERE outcome IS NULL)")
                    == "40000000"
            )
        }
        var small = HTLCProbeLimits()
        small.amountPerHour = .sat(25_000)
        try await Self.with(hot: 1...12, limits: small) { (_, probes, router) async throws in
            try await probes.run()
            #expect(router.sent.withLock { $0.count } == 2)
        }
    }
}

extension PostgresClient {
    /// All attempts along paths.
    fileprivate func paths() async throws -> [PathOutcome] {
        try await withConnection { try await PathOutcomeStore.read($0, since: 0).map(\.outcome) }
    }
}
