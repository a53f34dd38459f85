// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres

/// How a recurring job stands, for those who watch it from another process.
public struct JobStatus: Sendable, Hashable {
    public let name: String
    /// Seconds since its last success; `nil` when there was none.
    public let lastSuccessAge: Int?
    /// Whether its due time has passed by more than ten minutes.
    public let isOverdue: Bool

    private static let all = Statement(
        "jobs.status",
        """
        SELECT name, extract(epoch FROM now() - last_ok_at)::bigint,
            next_run_at < now() - interval '10 minutes' AND running_since IS NULL
        FROM jobs ORDER BY name
        """
    )

    /// Reads all jobs.
    public static func read(_ client: PostgresClient) async throws(PostgresError) -> [JobStatus] {
        var jobs: [JobStatus] = []
        for row in try await client.query(all) {
            jobs.append(
                JobStatus(
                    name: try row.text(0),
                    lastSuccessAge: try row.optionalInt8(1).map { Int($0) },
                    isOverdue: try row.bool(2)
                )
            )
        }
        return jobs
    }
}
