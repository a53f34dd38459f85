// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Evidence
import Postgres
import PostgresTestSupport
import Testing
import TrustScore

@Suite("Evidence store")
struct EvidenceStoreTests {
    /// Noon of a day, so that the six hours are the UTC ones.
    private let now: Int64 = 1_790_000_000 / 86_400 * 86_400 + 43_200
    private let id = [UInt8](repeating: 7, count: 32)

    private func outcome(
        _ success: Bool,
        at time: Int64,
        weight: Double = 1,
        source: EvidenceSource = .probe,
        stage: Stage? = .challenge,
        target: Outcome.Target? = nil
    ) -> Outcome {
        Outcome(
            target: target ?? .endpoint(id),
            source: source,
            stage: stage,
            success: success,
            weight: weight,
            label: success ? "ok" : "failed",
            observedAt: time
        )
    }

    private func belief(_ client: PostgresClient, source: Int16 = 1) async throws -> (Double, Double, Int64, Int64) {
        let statement = Statement(
            "test.belief.\(source)",
            "SELECT alpha, beta, last_ts, n FROM posteriors WHERE source = \(source)"
        )
        let row = try #require(try await client.query(statement).first)
        return (try row.float8(0), try row.float8(1), try row.int8(2), try row.int8(3))
    }

    @Test("the database folds outcomes as the definition says, whatever their order, batches and sources")
    func matchesDefinition() async throws {
        try await TestDatabase.withMigrated { client in
            try await EvidencePartitions.ensure(client, now: now)
            let store = EvidenceStore(client)
            var random = SeededGenerator(seed: 4)
            for source in EvidenceSource.allCases {
                var expected = CorrelatedPosterior(timeConstant: source.timeConstant)
                var time = now - 20 * 86_400
                var batch: [Outcome] = []
                for index in 0..<300 {
                    // Steps within six hours, into the next ones, and now and then back into closed ones.
                    time += Int64.random(in: 0...9000, using: &random)
                    let late = index % 17 == 16
                    let outcome = outcome(
                        Bool.random(using: &random),
                        at: min(now, late ? time - 50_000 : time),
                        weight: Double.random(in: 0.1...3, using: &random),
                        source: source
                    )
                    // What comes late is weighed alone, so it goes alone.
                    if late {
                        try await store.record(batch, now: now)
                        batch = []
                    }
                    batch.append(outcome)
                    if late || index % 23 == 22 {
                        try await store.record(batch, now: now)
                        batch = []
                    }
                    expected.observe(success: outcome.success, weight: outcome.weight, at: outcome.observedAt)
                }
                try await store.record(batch, now: now)
                let (alpha, beta, last, count) = try await belief(client, source: EvidenceCode.source(source))
                let wanted = expected.distribution(at: expected.lastUpdate ?? 0)
                #expect(abs(alpha - wanted.alpha) < 1e-9 && abs(beta - wanted.beta) < 1e-9, "\(source)")
                #expect(last == expected.lastUpdate && count == 300)
            }
        }
    }

    @Test("six like outcomes within six hours weigh 1.0909")
    func designEffect() async throws {
        try await TestDatabase.withMigrated { client in
            try await EvidencePartitions.ensure(client, now: now)
            let store = EvidenceStore(client)
            for minute in 0..<6 {
                try await store.record([outcome(true, at: now + Int64(minute) * 60)], now: now + 600)
            }
            let (alpha, beta, _, count) = try await belief(client)
            #expect(abs(alpha - 1.5 - 6 / 5.5) < 1e-12 && beta == 1.5 && count == 6)
        }
    }

    @Test("what was predicted is stored before the outcome counts, with the prior of its group")
    func prequential() async throws {
        try await TestDatabase.withMigrated { client in
            try await EvidencePartitions.ensure(client, now: now)
            let prior = "INSERT INTO target_priors VALUES (2, $1, 1, 8, 2, 'category')"
            try await client.execute(Statement("test.prior", prior), [.bytea(id)])
            let store = EvidenceStore(client)
            try await store.record([outcome(false, at: now - 7 * 86_400)], now: now)
            try await store.record([outcome(true, at: now, source: .paid)], now: now)
            let log = try await client.query(
                Statement("test.log", "SELECT predicted FROM outcomes ORDER BY observed_at")
            )
            let decayed = 0.367_879_441_171_442_3
            #expect(try log.map { try $0.float8(0) } == [0.8, 8 / (10 + decayed)])
        }
    }

    @Test("two writers lose nothing")
    func concurrentWriters() async throws {
        try await TestDatabase.withMigrated { client in
            try await EvidencePartitions.ensure(client, now: now)
            let store = EvidenceStore(client)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        for step in 0..<25 {
                            let targets = (0..<4).map { UInt8(($0 + step) % 4) }
                            let batch = targets.map {
                                outcome(true, at: now, target: .endpoint([UInt8](repeating: $0, count: 32)))
                            }
                            try await store.record(batch, now: now)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await client.number("SELECT count(*) FROM posteriors WHERE n = 200 AND bucket_n = 200") == 4)
            #expect(try await client.number("SELECT sum(n)::bigint FROM buckets") == 800)
            #expect(try await client.number("SELECT count(*) FROM outcomes") == 800)
        }
    }

    @Test("an outcome without a part of the table makes the part, and absurd times count as the nearest sane ones")
    func partitionsAndTimes() async throws {
        try await TestDatabase.withMigrated { client in
            let store = EvidenceStore(client)
            let now = unixTime()
            try await store.record([outcome(true, at: .max), outcome(true, at: .min)], now: now)
            let oldest = try await client.number("SELECT min(observed_at) FROM outcomes")
            #expect(oldest == now - EvidenceStore.oldestAge)
            #expect(try await client.number("SELECT max(observed_at) FROM outcomes") == now)
            try await EvidencePartitions.ensure(client)
            try await EvidencePartitions.ensure(client)
        }
    }

    @Test("old parts are dropped and young ones stay")
    func retention() async throws {
        try await TestDatabase.withMigrated { client in
            let year: Int64 = 366 * 86_400
            try await EvidencePartitions.ensure(client, now: now)
            try await EvidencePartitions.ensure(client, now: now + 2 * year)
            _ = try await EvidencePartitions.dropOld(client, now: now + 2 * year)
            let left = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'buckets'::regclass"
            #expect(try await client.number(left) == 39)
            let months = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'outcomes'::regclass"
            #expect(try await client.number(months) == 4)
        }
    }

    @Test("attempts along paths come back as they were written")
    func paths() async throws {
        try await TestDatabase.withMigrated { client in
            let store = PathOutcomeStore(client)
            let attempt = PathOutcome(
                observedAt: now,
                kind: .htlcProbe,
                amountMsat: 50_000_000,
                hops: [
                    .init(channel: .max, direction: 1, amountMsat: 50_010_000),
                    .init(channel: 7, direction: 0, amountMsat: 50_000_000),
                ],
                failedHop: 1,
                predicted: 0.25
            )
            try await store.record(attempt)
            let stored = try await client.withConnection { try await PathOutcomeStore.read($0, since: now) }
            #expect(stored.map(\.outcome) == [attempt])
            let id = try #require(stored.first).id
            let later = try await client.withConnection { try await PathOutcomeStore.read($0, since: now, after: id) }
            #expect(later.isEmpty)
            #expect(try await store.dropOld(now: now + PathOutcomeStore.lifetime + 1) == 1)
            #expect(try await client.number("SELECT count(*) FROM path_outcomes") == 0)
        }
    }
}
