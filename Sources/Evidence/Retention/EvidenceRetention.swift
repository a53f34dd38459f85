// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres

/// Deletes what is no longer needed.
public struct EvidenceRetention: Sendable {
    /// A belief without an outcome for 90 days has forgotten everything that counts.
    private static let dropIdle = Statement(
        "evidence.drop_idle",
        "DELETE FROM posteriors WHERE last_ts < $1 - 90 * 86400"
    )

    private let client: PostgresClient

    public init(_ client: PostgresClient) { self.client = client }

    /// Makes the parts of the tables that will be needed and deletes what is old.
    ///
    /// - Returns: rows deleted by table; of dropped parts about as many as they held.
    public func run(now: Int64 = unixTime()) async throws(PostgresError) -> [String: Int64] {
        try await EvidencePartitions.ensure(client, now: now)
        var deleted = try await EvidencePartitions.dropOld(client, now: now)
        deleted["posteriors"] = Int64(try await client.execute(Self.dropIdle, [.int8(now)], deadline: .seconds(60)))
        deleted["path_outcomes"] = Int64(try await PathOutcomeStore(client).dropOld(now: now))
        deleted["calibration_runs"] = Int64(try await CalibrationStore(client).dropOld(now: now))
        deleted["score_snapshots", default: 0] += Int64(try await ScoreSnapshots(client).rollUp(now: now))
        return deleted
    }
}
