// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crawler
internal import Foundation
public import Gate
internal import LND
internal import Metrics
public import Migrations
public import Oracle
public import Postgres
internal import RequestLimits
internal import Synchronization

/// Knows how the service and what it depends on are doing.
///
/// A report is computed at most every three seconds, whoever asks.
public final class HealthMonitor: Sendable {
    private struct Cached {
        let answer: HealthAnswer
        let at: Double
    }

    private struct DatabaseFacts {
        let schemaVersion: Int?
        let jobs: [JobStatus]
    }

    private let client: PostgresClient
    private let migrator: Migrator
    private let oracle: TrustOracle
    private let readiness: NodeReadiness
    private let isBypassEnabled: Bool
    private let version: String
    private let commit: String
    private let start = Date()
    private let cached = Mutex<Cached?>(nil)

    public init(
        client: PostgresClient,
        migrator: Migrator,
        oracle: TrustOracle,
        readiness: NodeReadiness,
        isBypassEnabled: Bool,
        version: String,
        commit: String
    ) {
        self.client = client
        self.migrator = migrator
        self.oracle = oracle
        self.readiness = readiness
        self.isBypassEnabled = isBypassEnabled
        self.version = version
        self.commit = commit
    }

    /// The report, three seconds old at most.
    func report() async -> HealthAnswer {
        let now = MonotonicSeconds.now()
        if let cached = cached.withLock({ $0 }), now - cached.at < 3 { return cached.answer }
        let answer = await compute()
        cached.withLock { $0 = Cached(answer: answer, at: now) }
        return answer
    }

    /// Whether requests can be served: the database answers, the schema fits and scores are loaded.
    func isReady() async -> Bool {
        let report = await report()
        return report.dbStatus == "ok" && report.schemaVersion == report.expectedSchemaVersion
            && oracle.snapshot.isLoaded
    }

    private func compute() async -> HealthAnswer {
        let database = await databaseFacts()
        let expected = Int(Migrator.expectedVersion)
        let scores = oracle.snapshot.health(now: Date())
        let isLoaded = oracle.snapshot.isLoaded
        let now = Int64(Date().timeIntervalSince1970)
        let uptime = Int64(Date().timeIntervalSince(start))
        let age = scores.scoringAge
        // "Never scored" is stale once there was time enough to score.
        let isStale = age == nil ? uptime > 1800 : scores.isScoringStale
        let node = readiness.report
        let lndStatus = node.map { $0.isReady ? "ok" : ($0.failures >= 3 ? "degraded" : "unknown") } ?? "unknown"
        let isDatabaseGood = database?.schemaVersion == expected
        record(database, age: age)
        return HealthAnswer(
            status: isDatabaseGood ? (isStale || lndStatus == "degraded" ? "degraded" : "ok") : "error",
            agentsIndexed: scores.agentsIndexed,
            staleAgents: scores.staleAgents,
            totalTransactions: 0,
            lastUpdate: scores.lastUpdate,
            scoringAgeSec: age,
            scoringStale: isStale,
            uptime: uptime,
            schemaVersion: database?.schemaVersion,
            expectedSchemaVersion: expected,
            dbStatus: database == nil ? "error" : "ok",
            lndStatus: lndStatus,
            lndLastProbeAgeSec: node.map { Int(MonotonicSeconds.now() - $0.checkedAt) },
            blockHeight: node?.status?.blockHeight,
            blockAgeSec: (node?.status?.bestHeaderTimestamp).map { max(0, now - $0) },
            syncedToChain: node?.status?.syncedToChain,
            syncedToGraph: node?.status?.syncedToGraph,
            nodePubkey: node?.status?.identity,
            channels: node?.status?.activeChannels,
            features: .init(
                depositInvoiceGeneration: true,
                nostrPublishing: false,
                pathfindingProbe: true,
                nodeChannelHint: false,
                l402Bypass: isBypassEnabled,
                l402Native: true
            ),
            cacheHealth: .init(degraded: !isLoaded, critical: isLoaded ? [] : ["scores"]),
            jobs: (database?.jobs ?? []).map {
                .init(name: $0.name, lastOkAgeSec: $0.lastSuccessAge, overdue: $0.isOverdue)
            },
            version: version,
            commit: commit
        )
    }

    /// What the database says; `nil` when it does not answer.
    private func databaseFacts() async -> DatabaseFacts? {
        do {
            let applied = try await migrator.status().filter { if case .applied = $0.state { true } else { false } }.map
            { Int($0.id) }.max()
            return DatabaseFacts(schemaVersion: applied, jobs: try await JobStatus.read(client))
        } catch {
            return nil
        }
    }

    private func record(_ database: DatabaseFacts?, age: Int64?) {
        Gauge(label: "schema_expected").record(Int64(Migrator.expectedVersion))
        Gauge(label: "schema_version").record(Int64(database?.schemaVersion ?? 0))
        Gauge(label: "scoring_age_seconds").record(age ?? -1)
    }
}
