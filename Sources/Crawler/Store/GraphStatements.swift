// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Postgres

/// The SQL of a pass.
///
/// Every statement touches only rows that differ, so an unchanged graph costs no write.
enum GraphStatements {
    static let stage = """
        CREATE TEMP TABLE staged_nodes (
            pubkey bytea, hash bytea, alias text, first_seen bigint, last_update bigint, channels integer,
            capacity_sats bigint, peers integer, disabled integer, oldest_block integer
        ) ON COMMIT DROP;
        CREATE TEMP TABLE staged_channels (
            scid bigint, node1 bytea, node2 bytea, capacity_sats bigint
        ) ON COMMIT DROP;
        CREATE TEMP TABLE staged_policies (
            scid bigint, dir smallint, base_msat bigint, ppm bigint, cltv bigint, min_msat bigint, max_msat bigint,
            inbound_base bigint, inbound_ppm bigint, disabled boolean, last_update bigint
        ) ON COMMIT DROP;
        CREATE TEMP TABLE staged_scores (
            hash bytea, \(ScoreRow.columns.map { "\($0) double precision" }.joined(separator: ", "))
        ) ON COMMIT DROP
        """

    static let copyNodes = """
        COPY staged_nodes (pubkey, hash, alias, first_seen, last_update, channels, capacity_sats, peers, disabled, \
        oldest_block) FROM STDIN (FORMAT binary)
        """
    static let copyChannels = "COPY staged_channels (scid, node1, node2, capacity_sats) FROM STDIN (FORMAT binary)"
    static let copyPolicies = """
        COPY staged_policies (scid, dir, base_msat, ppm, cltv, min_msat, max_msat, inbound_base, inbound_ppm, disabled, \
        last_update) FROM STDIN (FORMAT binary)
        """
    static let copyScores = """
        COPY staged_scores (hash, \(ScoreRow.columns.joined(separator: ", "))) FROM STDIN (FORMAT binary)
        """

    /// The planner knows nothing of a temporary table before this.
    static let analyze = "ANALYZE staged_nodes; ANALYZE staged_channels; ANALYZE staged_policies"

    static let upsertNodes = Statement(
        "graph.upsert_nodes",
        """
        INSERT INTO nodes AS n (pubkey, hash, alias, first_seen, last_update, channels, capacity_sats, peers, disabled,
            oldest_block)
        SELECT s.* FROM staged_nodes s LEFT JOIN nodes o USING (pubkey)
        WHERE o.pubkey IS NULL OR s.first_seen < o.first_seen
            OR (s.alias, s.last_update, s.channels, s.capacity_sats, s.peers, s.disabled, s.oldest_block) IS DISTINCT FROM
               (o.alias, o.last_update, o.channels, o.capacity_sats, o.peers, o.disabled, o.oldest_block)
        ON CONFLICT (pubkey) DO UPDATE SET
            alias = excluded.alias, first_seen = least(n.first_seen, excluded.first_seen),
            last_update = excluded.last_update, channels = excluded.channels, capacity_sats = excluded.capacity_sats,
            peers = excluded.peers, disabled = excluded.disabled, oldest_block = excluded.oldest_block,
            updated_at = now()
        """
    )

    /// A node that left the graph keeps its history and loses its channels.
    static let emptyNodes = Statement(
        "graph.empty_nodes",
        """
        UPDATE nodes n SET channels = 0, capacity_sats = 0, peers = 0, disabled = 0, updated_at = now()
        WHERE n.channels > 0 AND NOT EXISTS (SELECT FROM staged_nodes s WHERE s.pubkey = n.pubkey)
        """
    )

    static let upsertChannels = Statement(
        "graph.upsert_channels",
        """
        INSERT INTO channels AS c (scid, node1, node2, capacity_sats)
        SELECT s.* FROM staged_channels s LEFT JOIN channels o USING (scid)
        WHERE o.scid IS NULL OR (s.node1, s.node2, s.capacity_sats) IS DISTINCT FROM (o.node1, o.node2, o.capacity_sats)
        ON CONFLICT (scid) DO UPDATE SET
            node1 = excluded.node1, node2 = excluded.node2, capacity_sats = excluded.capacity_sats
        """
    )

    static let deleteChannels = Statement(
        "graph.delete_channels",
        "DELETE FROM channels c WHERE NOT EXISTS (SELECT FROM staged_channels s WHERE s.scid = c.scid)"
    )

    /// Two crawlers never write the graph at once, even while one takes over from the other.
    static let waitForTurn = Statement(
        "graph.wait_for_turn",
        "SELECT pg_advisory_xact_lock(hashtextextended('graph writer', 0))"
    )

    static let deleteChannelsNamed = Statement(
        "graph.delete_channels_named",
        "DELETE FROM channels WHERE scid = ANY($1)"
    )
    static let deletePoliciesNamed = Statement(
        "graph.delete_policies_named",
        "DELETE FROM channel_policies WHERE scid = ANY($1)"
    )
    static let deleteDirectionsNamed = Statement(
        "graph.delete_directions_named",
        """
        DELETE FROM channel_policies p USING unnest($1::bigint[], $2::smallint[]) AS gone (scid, dir)
        WHERE p.scid = gone.scid AND p.dir = gone.dir
        """
    )
    static let emptyNodesNamed = Statement(
        "graph.empty_nodes_named",
        """
        UPDATE nodes SET channels = 0, capacity_sats = 0, peers = 0, disabled = 0, updated_at = now()
        WHERE pubkey = ANY($1) AND channels > 0
        """
    )
    static let deleteScoresNamed = Statement(
        "graph.delete_scores_named",
        "DELETE FROM node_scores WHERE hash = ANY($1)"
    )

    static let deletePolicies = Statement(
        "graph.delete_policies",
        """
        DELETE FROM channel_policies p
        WHERE NOT EXISTS (SELECT FROM staged_policies s WHERE s.scid = p.scid AND s.dir = p.dir)
        """
    )

    /// Before the policies are overwritten.
    ///
    /// A direction whose numbers are or were unknown has not changed its fee.
    static let recordFeeChanges = Statement(
        "graph.record_fee_changes",
        """
        INSERT INTO fee_changes (scid, dir, base_msat, ppm)
        SELECT s.scid, s.dir, s.base_msat, s.ppm FROM staged_policies s JOIN channel_policies p USING (scid, dir)
        WHERE s.base_msat IS NOT NULL AND p.base_msat IS NOT NULL AND (s.base_msat, s.ppm) <> (p.base_msat, p.ppm)
        """
    )

    /// Numbers that the source dropped because the direction is disabled stay as they were last known.
    static let upsertPolicies = Statement(
        "graph.upsert_policies",
        """
        INSERT INTO channel_policies AS p (scid, dir, base_msat, ppm, cltv, min_msat, max_msat, inbound_base,
            inbound_ppm, disabled, last_update)
        SELECT s.* FROM staged_policies s LEFT JOIN channel_policies o USING (scid, dir)
        WHERE o.scid IS NULL OR (s.disabled, s.last_update) IS DISTINCT FROM (o.disabled, o.last_update)
            OR (s.base_msat IS NOT NULL
                AND (s.base_msat, s.ppm, s.cltv, s.min_msat, s.max_msat, s.inbound_base, s.inbound_ppm) IS DISTINCT FROM
                    (o.base_msat, o.ppm, o.cltv, o.min_msat, o.max_msat, o.inbound_base, o.inbound_ppm))
        ON CONFLICT (scid, dir) DO UPDATE SET
            base_msat = coalesce(excluded.base_msat, p.base_msat), ppm = coalesce(excluded.ppm, p.ppm),
            cltv = coalesce(excluded.cltv, p.cltv), min_msat = coalesce(excluded.min_msat, p.min_msat),
            max_msat = coalesce(excluded.max_msat, p.max_msat),
            inbound_base = coalesce(excluded.inbound_base, p.inbound_base),
            inbound_ppm = coalesce(excluded.inbound_ppm, p.inbound_ppm),
            disabled = excluded.disabled, last_update = excluded.last_update
        """
    )

    /// Once a day: the first pass of the day writes, the others find the rows.
    static let recordCapacity = Statement(
        "graph.record_capacity",
        """
        INSERT INTO node_capacity (day, pubkey, capacity_sats, channels)
        SELECT (to_timestamp($1) AT TIME ZONE 'UTC')::date, pubkey, capacity_sats, channels FROM staged_nodes
        WHERE NOT EXISTS (SELECT FROM node_capacity WHERE day = (to_timestamp($1) AT TIME ZONE 'UTC')::date)
        """
    )

    static let histories = Statement(
        "graph.histories",
        """
        SELECT n.pubkey, n.first_seen, extract(epoch FROM n.first_observed)::bigint, w.capacity_sats
        FROM nodes n LEFT JOIN node_capacity w ON w.pubkey = n.pubkey AND w.day = (to_timestamp($1) AT TIME ZONE 'UTC')::date - 7
        """
    )

    /// Nodes whose services somebody has asked for within two hours.
    static let hotNodes = Statement(
        "graph.hot_nodes",
        """
        SELECT payee FROM endpoints WHERE payee IS NOT NULL AND last_query_at > now() - interval '2 hours'
        GROUP BY payee ORDER BY max(last_query_at) DESC, payee LIMIT 100
        """
    )

    /// Beliefs about payments to nodes, on what is expected of nodes like them.
    static let payments = Statement(
        "graph.payments",
        """
        SELECT n.pubkey, (coalesce(min(t.alpha), 1.5) + sum((p.alpha - 1.5) * f.left))
                / (coalesce(min(t.alpha + t.beta), 3) + sum((p.alpha + p.beta - 3) * f.left)),
            sum((p.alpha + p.beta - 3) * f.left), EXISTS (SELECT FROM buckets b WHERE b.kind = 1 AND b.id = n.hash
                AND b.s > 0 AND b.day > (to_timestamp($1) AT TIME ZONE 'UTC')::date - 30)
        FROM posteriors p JOIN nodes n ON n.hash = p.id
        LEFT JOIN target_priors t ON t.kind = 1 AND t.id = p.id AND t.stage = 0, LATERAL (
            SELECT exp(-least(10, greatest(0, $1 - p.last_ts) / CASE p.source WHEN 1 THEN $2 ELSE $3 END)) AS left
        ) f
        WHERE p.kind = 1 AND p.stage = 0 AND p.source IN (1, 3) GROUP BY n.pubkey, n.hash
        """
    )

    static let feeChanges = Statement(
        "graph.fee_changes",
        """
        SELECT CASE f.dir WHEN 0 THEN c.node1 ELSE c.node2 END, count(*)
        FROM fee_changes f JOIN channels c USING (scid)
        WHERE f.changed_at > to_timestamp($1) - interval '7 days' GROUP BY 1
        """
    )

    static let upsertScores = Statement(
        "graph.upsert_scores",
        """
        WITH s AS MATERIALIZED (
            SELECT hash, score, \(ScoreRow.componentsDocument) AS components, pr_percentile,
                \(ScoreRow.reachDocument) AS p_reach, compat_score, \(ScoreRow.compatibleDocument) AS compat_components
            FROM staged_scores
        )
        INSERT INTO node_scores AS n (hash, score, components, pr_percentile, p_reach, compat_score, compat_components)
        SELECT s.* FROM s LEFT JOIN node_scores o USING (hash)
        WHERE o.hash IS NULL
            OR (s.score, s.components, s.pr_percentile, s.p_reach, s.compat_score, s.compat_components) IS DISTINCT FROM
               (o.score, o.components, o.pr_percentile, o.p_reach, o.compat_score, o.compat_components)
        ON CONFLICT (hash) DO UPDATE SET
            score = excluded.score, components = excluded.components, pr_percentile = excluded.pr_percentile,
            p_reach = excluded.p_reach, compat_score = excluded.compat_score,
            compat_components = excluded.compat_components, computed_at = now()
        """
    )

    static let deleteScores = Statement(
        "graph.delete_scores",
        "DELETE FROM node_scores n WHERE NOT EXISTS (SELECT FROM staged_scores s WHERE s.hash = n.hash)"
    )

    static let recordPass = Statement(
        "graph.record_pass",
        """
        INSERT INTO graph_passes (started_at, finished_at, graph_clock, nodes, channels, source, source_is_own, report)
        VALUES ($1, clock_timestamp(), $2, $3, $4, $5, $6, $7)
        """
    )

    /// Readers of the scores load them again.
    static let notify = Statement("graph.notify", "SELECT pg_notify('scores', '')")
}
