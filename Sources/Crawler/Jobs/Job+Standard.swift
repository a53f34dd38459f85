// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Postgres

extension Job {
    /// Reads the graph and scores every node.
    ///
    /// - Parameter progress: is told how far a pass has come.
    public static func graphPass(
        _ pass: GraphPass<some GraphSource>,
        interval: Duration = .seconds(3600),
        timeout: Duration = .seconds(600),
        progress: @escaping @Sendable (PassProgress) -> Void = { _ in },
        finished: @escaping @Sendable (PassReport) -> Void = { _ in }
    ) -> Job {
        Job(
            name: "graph_pass",
            interval: interval,
            timeout: timeout,
            ageGauges: ["graph_sync_age_seconds", "scoring_age_seconds"]
        ) { context in
            let report = try await pass.run(context.session, progress: progress)
            context.logger.info(
                "graph scored",
                metadata: [
                    "graph.nodes": "\(report.nodes)", "graph.channels": "\(report.channels)",
                    "graph.changes": "\(report.changes.total)", "graph.duration": "\(report.duration)",
                    "graph.source": "\(report.source)", "graph.source_is_own": "\(report.isSourceOwnNode)",
                ]
            )
            finished(report)
        }
    }

    /// Marks nodes that nobody has heard of for 90 days, by the graph's own clock, and drops old history.
    public static func staleSweep(interval: Duration = .seconds(86_400)) -> Job {
        Job(name: "stale_sweep", interval: interval, timeout: .seconds(120)) { context in
            let marked = try await context.session.execute(StaleSweep.mark, deadline: .seconds(60))
            let dropped =
                try await context.session.execute(StaleSweep.dropCapacity, deadline: .seconds(60))
                + context.session.execute(StaleSweep.dropFeeChanges, deadline: .seconds(60))
                + context.session.execute(StaleSweep.dropPasses, deadline: .seconds(60))
            context.logger.debug("stale sweep", metadata: ["rows.marked": "\(marked)", "rows.dropped": "\(dropped)"])
        }
    }
}

/// The SQL of the sweep.
private enum StaleSweep {
    /// Heard of: announced itself, or is an end of a channel that the graph still holds and never announced itself.
    static let mark = Statement(
        "stale.mark",
        """
        UPDATE nodes n SET stale = s.stale
        FROM (
            SELECT pubkey, CASE
                WHEN last_update > 0 THEN last_update < clock.time - 90 * 86400
                ELSE channels = 0 AND updated_at < now() - interval '90 days'
            END AS stale
            FROM nodes, (SELECT coalesce(max(graph_clock), 0) AS time FROM graph_passes) clock
        ) s
        WHERE s.pubkey = n.pubkey AND s.stale <> n.stale
        """
    )
    static let dropCapacity = Statement(
        "stale.drop_capacity",
        "DELETE FROM node_capacity WHERE day < current_date - 30"
    )
    static let dropFeeChanges = Statement(
        "stale.drop_fee_changes",
        "DELETE FROM fee_changes WHERE changed_at < now() - interval '30 days'"
    )
    static let dropPasses = Statement(
        "stale.drop_passes",
        "DELETE FROM graph_passes WHERE finished_at < now() - interval '90 days'"
    )
}
