// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Oracle
import Postgres
import PostgresTestSupport
import Testing

@Suite("Trust oracle")
struct TrustOracleTests {
    private let now = OracleDatabase.now

    @Test("a new scoring pass is loaded when it is announced")
    func announcement() async throws {
        try await OracleDatabase.with { client, oracle in
            let service = Task { try await oracle.run() }
            defer { service.cancel() }
            try await eventually { oracle.snapshot.isLoaded }
            #expect(oracle.snapshot.stats().agentsAll == 0)
            try await OracleDatabase.score(client)
            try await eventually { oracle.snapshot.stats().agentsAll == 96 }
        }
    }

    @Test("observed outcomes decide the verdict and the order by their axes")
    func evidence() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            try await client.execute(
                Statement(
                    "evidence",
                    """
                    INSERT INTO posteriors
                    SELECT 1, hash, source, 0, 41.5, 1.5, extract(epoch FROM now())::bigint, 40, 41.5, 1.5, 0, 0, 0, 0
                    FROM generate_series(1, 3, 2) source, (SELECT hash FROM nodes WHERE alias = 'ACINQ') n
                    """
                )
            )
            try await oracle.reload()
            let now = Date()
            let row = try #require(oracle.snapshot.top(limit: 1, offset: 0, sortBy: .pSuccess, now: now).data.first)
            #expect(row.alias == "ACINQ" && row.rank > 1)
            #expect(row.bayesian.verdict == "SAFE" && row.bayesian.is_meaningful)
            #expect(row.bayesian.sources.report == nil && row.bayesian.sources.paid?.n_obs ?? 0 > 39)
            #expect(row.bayesian.last_update != nil)
            for axis in SortAxis.allCases where axis != .score {
                let first = oracle.snapshot.top(limit: 1, offset: 0, sortBy: axis, now: now).data.first
                #expect(first?.alias == "ACINQ", "\(axis)")
            }
        }
    }

    @Test("a node that left the graph is known, without a score and at the end")
    func departed() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            let delete = "DELETE FROM node_scores WHERE hash = (SELECT hash FROM nodes WHERE alias = 'ACINQ')"
            try await client.execute(Statement("depart", delete))
            try await oracle.reload()
            let row = try #require(oracle.snapshot.top(limit: 1, offset: 95, now: now).data.first)
            #expect(row.alias == "ACINQ" && row.score == nil)
            let identifier = try #require(NodeIdentifier(row.publicKey))
            let profile = try #require(oracle.snapshot.profile(identifier, now: now))
            #expect(profile.rank == nil && profile.scores.compat == nil && profile.components == nil)
        }
    }

    @Test("trends appear with the history they need")
    func trends() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            try await client.execute(
                Statement(
                    "history",
                    """
                    INSERT INTO node_capacity
                    SELECT (now() AT TIME ZONE 'UTC')::date - age, pubkey, capacity_sats * 2, channels + 3
                    FROM nodes, unnest(ARRAY[1, 7]) age
                    """
                )
            )
            try await client.execute(
                Statement("older", "UPDATE nodes SET first_observed = now() - interval '8 days'")
            )
            try await oracle.reload()
            let row = try #require(oracle.snapshot.top(limit: 1, offset: 0, now: now).data.first)
            let identifier = try #require(NodeIdentifier(row.publicKey))
            let profile = try #require(oracle.snapshot.profile(identifier, now: Date()))
            #expect(profile.channelFlow?.net7d == -3 && profile.channelFlow?.trend == "declining")
            #expect(profile.capacityHealth?.drainRate24h == -0.5 && profile.flags.contains("severe_capacity_drain"))
            #expect(profile.feeVolatility?.index == 0 && profile.feeVolatility?.interpretation == "stable")
        }
    }

    @Test("the age of the scores is reported, and two hours are stale")
    func health() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            try await oracle.reload()
            let health = oracle.snapshot.health(now: Date())
            #expect(health.agentsIndexed == 96 && health.channels == 2623 && !health.isScoringStale)
            #expect(oracle.snapshot.health(now: Date() + 7300).isScoringStale)
        }
    }

    /// Waits for a condition, at most 30 seconds.
    private func eventually(_ condition: @Sendable () -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(30)
        while !condition() {
            try #require(clock.now < deadline, "waited in vain")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
