// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Metrics
internal import Postgres

extension Job {
    /// Reads the whole graph and scores every node; between two runs a ``GraphFollower`` keeps both current.
    ///
    /// - Parameters:
    ///   - follower: runs the job only where the graph is followed.
    ///   - progress: is told how far a run has come.
    public static func graphResync<Source: GraphUpdateSource>(
        _ live: LiveGraph<Source>,
        follower: GraphFollower<Source>,
        interval: Duration = .seconds(21_600),
        timeout: Duration = .seconds(600),
        progress: @escaping @Sendable (PassProgress) -> Void = { _ in },
        finished: @escaping @Sendable (PassReport) -> Void = { _ in }
    ) -> Job {
        Job(
            name: "graph_resync",
            interval: interval,
            timeout: timeout,
            mayRun: { follower.isLeader }
        ) { context in
            let report = try await live.resync(context.session, progress: progress)
            follower.noteResync()
            context.logger.info(
                "graph read and scored",
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
            for (table, statement) in StaleSweep.retention {
                let deleted = try await context.session.execute(statement, deadline: .seconds(60))
                Counter(label: "retention_deleted_rows_total", dimensions: [("table", table)]).increment(by: deleted)
            }
            context.logger.debug("stale sweep", metadata: ["rows.marked": "\(marked)"])
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
    /// What is kept for 90 days; the policies of a channel go with the channel, never before.
    static let retention = [
        (
            table: "node_capacity",
            statement: Statement("stale.node_capacity", "DELETE FROM node_capacity WHERE day < current_date - 90")
        ),
        (
            table: "fee_changes",
            statement: Statement(
                "stale.fee_changes",
                "DELETE FROM fee_changes WHERE changed_at < now() - interval '90 days'"
            )
        ),
        (
            table: "route_crosschecks",
            statement: Statement(
                "stale.route_crosschecks",
                "DELETE FROM route_crosschecks WHERE checked_at < now() - interval '90 days'"
            )
        ),
        (
            table: "graph_passes",
            statement: Statement(
                "stale.graph_passes",
                "DELETE FROM graph_passes WHERE finished_at < now() - interval '90 days'"
            )
        ),
    ]
}
