// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Evidence
import Postgres
import PostgresTestSupport
import Testing
import TrustScore

@Suite("Calibration, priors and trends")
struct CalibratorTests {
    private let now: Int64 = 1_790_000_000

    private func endpoint(_ number: Int) -> [UInt8] { [UInt8](repeating: UInt8(number), count: 32) }

    private func outcome(_ target: Outcome.Target, _ success: Bool, at time: Int64, stage: Stage? = .payment) -> Outcome
    {
        Outcome(
            target: target,
            source: .paid,
            stage: stage,
            success: success,
            weight: 2,
            label: success ? "pay_ok" : "pay_routing_failed",
            observedAt: time
        )
    }

    /// Nodes with known capacities, half of them large.
    private func addNodes(_ client: PostgresClient, count: Int) async throws {
        try await client.execute(
            Statement(
                "test.nodes",
                """
                INSERT INTO nodes (pubkey, hash, alias, first_seen, last_update, channels, capacity_sats, peers, disabled,
                    oldest_block)
                SELECT '\\x02'::bytea || sha256(int4send(n)), decode(repeat(lpad(to_hex(n), 2, '0'), 32), 'hex'), '',
                    1600000000, 0, 1, n * 1000, 1, 0, 1
                FROM generate_series(1, \(count)) n
                """
            )
        )
    }

    @Test("predictions of a week are judged by group, stored once a day, and shown by week")
    func calibration() async throws {
        try await TestDatabase.withMigrated { client in
            let calibrator = Calibrator(client)
            #expect(try await calibrator.run(now: now) == nil)
            #expect(try await CalibrationStore(client).latest() == nil)
            let store = EvidenceStore(client)
            var random = SeededGenerator(seed: 2)
            for day in 0..<12 {
                let time = now - Int64(12 - day) * 86_400
                let batch = (1...20).flatMap { target in
                    [Stage.payment, .delivery].map { stage in
                        let rate = Double(target) / 21
                        let success = Double.random(in: 0..<1, using: &random) < rate
                        return outcome(.endpoint(endpoint(target)), success, at: time, stage: stage)
                    }
                }
                try await store.record(batch, now: time)
            }
            try await store.record([outcome(.node(endpoint(1)), true, at: now - 60, stage: nil)], now: now)
            let attempt = PathOutcome(
                observedAt: now - 60,
                kind: .payment,
                amountMsat: 1000,
                hops: [.init(channel: 1, direction: 0, amountMsat: 1000)],
                failedHop: nil,
                predicted: 0.75
            )
            try await PathOutcomeStore(client).record(attempt)
            let report = try #require(try await calibrator.run(now: now))
            #expect(report.n_outcomes == 7 * 40 + 2)
            let names = report.groups.map(\.name)
            #expect(names == ["endpoint/delivery/paid", "endpoint/payment/paid", "node/paid", "path"])
            #expect(report.groups[1].figures.n == 140 && report.groups[1].figures.targets == 20)
            #expect(report.groups[1].figures.skill?.value ?? 0 > 0)
            #expect(report.groups[3].figures.brier.value == 0.0625)
            let compat = try #require(report.compat)
            #expect(compat.n_endpoints == 20 && compat.n_outcomes == 280 && compat.top_deltas.count == 20)
            _ = try await calibrator.run(now: now + 60)
            _ = try await calibrator.run(now: now + 86_400)
            #expect(try await client.number("SELECT count(*) FROM calibration_runs") == 2)
            let latest = try #require(try await CalibrationStore(client).latest())
            #expect(latest.window_end == now + 86_400 && latest.groups.map(\.name) == names)
            let history = try await CalibrationStore(client).history()
            #expect(history.map(\.window_end) == [now + 86_400])
            #expect(history.first?.n_outcomes == latest.n_outcomes)
        }
    }

    @Test("a node nobody has paid is expected to be like nodes of its size and age")
    func nodePriors() async throws {
        try await TestDatabase.withMigrated { client in
            try await addNodes(client, count: 80)
            let store = EvidenceStore(client)
            // Large nodes work, small ones do not, and one large node has not been tried.
            let outcomes = (1...79).flatMap { node in
                (0..<4).map { outcome(.node(endpoint(node)), node > 40, at: now - Int64($0) * 22_000, stage: nil) }
            }
            try await store.record(outcomes, now: now)
            let priors = NodePriors(client)
            #expect(try await priors.update(now: now) == 80)
            #expect(try await priors.update(now: now) == 0)
            let mean = "(SELECT (100 * alpha / (alpha + beta))::bigint FROM target_priors WHERE get_byte(id, 0) ="
            #expect(try await client.number("SELECT \(mean) 80)") > 85)
            #expect(try await client.number("SELECT \(mean) 5)") < 15)
            // What is foretold of the untried node is its prior.
            try await store.record([outcome(.node(endpoint(80)), true, at: now, stage: nil)], now: now)
            let foretold = "SELECT (100 * predicted)::bigint FROM outcomes WHERE get_byte(id, 0) = 80"
            #expect(try await client.number(foretold) == client.number("SELECT \(mean) 80)"))
            // When the evidence is gone, so are the priors.
            try await client.execute(Statement("test.forget", "DELETE FROM posteriors"))
            _ = try await priors.update(now: now)
            #expect(try await client.number("SELECT count(*) FROM target_priors") == 0)
        }
    }

    @Test("trends keep a row where something moved, hourly for a week and then daily")
    func trends() async throws {
        try await TestDatabase.withMigrated { client in
            let (store, trends) = (EvidenceStore(client), ScoreSnapshots(client))
            let start = now - 10 * 86_400
            try await EvidencePartitions.ensure(client, now: start)
            for hour in 0..<48 {
                let time = start + Int64(hour) * 3600
                try await store.record([outcome(.endpoint(endpoint(1)), hour % 2 == 0, at: time)], now: time)
                #expect(try await trends.take(now: time) == 1)
                #expect(try await trends.take(now: time) == 0)
            }
            let days = try await client.number("SELECT count(DISTINCT computed_at / 86400) FROM score_snapshots")
            #expect(try await trends.rollUp(now: now) == Int(48 - days))
            #expect(try await trends.rollUp(now: now) == 0)
            let newest = "SELECT max(computed_at) FROM score_snapshots"
            #expect(try await client.number(newest) == start + 47 * 3600)
        }
    }

    @Test("tidying up makes the parts for tomorrow and drops idle beliefs")
    func retention() async throws {
        try await TestDatabase.withMigrated { client in
            try await EvidenceStore(client).record([outcome(.endpoint(endpoint(1)), true, at: now)], now: now)
            #expect(try await EvidenceRetention(client).run(now: now + 86_400)["posteriors"] == 0)
            #expect(try await EvidenceRetention(client).run(now: now + 91 * 86_400)["posteriors"] == 1)
            let tomorrow = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outcomes'::regclass"
            #expect(try await client.number(tomorrow) >= 4)
        }
    }
}
