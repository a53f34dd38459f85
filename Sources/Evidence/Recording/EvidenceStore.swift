// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Metrics
public import Postgres
internal import TrustScore

/// Writes down outcomes: the log with what had been predicted, the beliefs, the counts by day.
///
/// One statement does all of it, atomically, and computes decay and design effect in the database: two processes that
/// write about the same target lose nothing.
public struct EvidenceStore: Sendable {
    /// Outcomes per statement.
    static let batchLimit = 5000
    /// Older outcomes are dated to this age, in seconds: 30 days.
    public static let oldestAge: Int64 = 30 * 86_400

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Takes outcomes in.
    ///
    /// An outcome dated in the future counts as of now, one older than 30 days as of then. Each batch of 5000 is atomic.
    /// - Parameter now: Unix seconds.
    public func record(_ outcomes: [Outcome], now: Int64 = unixTime()) async throws(PostgresError) {
        for batch in OutcomeBatch.batches(of: outcomes, now: now) { try await write(batch, now: now) }
        Self.count(outcomes)
    }

    private static func count(_ outcomes: [Outcome]) {
        struct Kind: Hashable {
            let stage, source, result: String
        }
        var counts: [Kind: Int64] = [:]
        for outcome in outcomes {
            let kind = Kind(
                stage: outcome.stage.map { "\($0)" } ?? "node",
                source: "\(outcome.source)",
                result: outcome.success ? "success" : "failure"
            )
            counts[kind, default: 0] += 1
        }
        for (kind, count) in counts {
            let labels = [("stage", kind.stage), ("source", kind.source), ("result", kind.result)]
            Counter(label: "stage_observations_total", dimensions: labels).increment(by: count)
        }
    }

    private func write(_ batch: OutcomeBatch, now: Int64) async throws(PostgresError) {
        do {
            try await client.execute(EvidenceStatements.record, batch.values)
        } catch  where error.code == .server(sqlState: "23514") {
            // A month or day without a partition: the crawler makes them ahead, unless it has been away.
            try await EvidencePartitions.ensure(client, now: now)
            try await client.execute(EvidenceStatements.record, batch.values)
        }
    }
}

/// The time of day, Unix seconds.
public func unixTime() -> Int64 { Int64(Date().timeIntervalSince1970) }
