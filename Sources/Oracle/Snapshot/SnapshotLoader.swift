// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningPrimitives
internal import Postgres
internal import TrustScore

/// Reads everything the oracle answers from, in a few bulk queries.
struct SnapshotLoader: Sendable {
    private static let nodes = Statement(
        "oracle.nodes",
        """
        SELECT n.pubkey, n.hash, n.alias, n.first_seen, n.last_update, n.channels, n.capacity_sats, n.peers, n.disabled,
            n.stale, extract(epoch FROM n.first_observed)::bigint, yesterday.capacity_sats, week.capacity_sats,
            week.channels, coalesce(f.changes, 0), s.score, s.pr_percentile, s.compat_score,
            s.components::text, s.p_reach::text, s.compat_components::text
        FROM nodes n
        LEFT JOIN node_scores s USING (hash)
        LEFT JOIN node_capacity yesterday
            ON yesterday.pubkey = n.pubkey AND yesterday.day = (now() AT TIME ZONE 'UTC')::date - 1
        LEFT JOIN node_capacity week ON week.pubkey = n.pubkey AND week.day = (now() AT TIME ZONE 'UTC')::date - 7
        LEFT JOIN (
            SELECT CASE fc.dir WHEN 0 THEN c.node1 ELSE c.node2 END AS pubkey, count(*) AS changes
            FROM fee_changes fc JOIN channels c USING (scid)
            WHERE fc.changed_at > now() - interval '7 days' GROUP BY 1
        ) f ON f.pubkey = n.pubkey
        """
    )
    private static let pass = Statement(
        "oracle.pass",
        """
        SELECT extract(epoch FROM finished_at)::bigint, graph_clock, nodes, channels, source, source_is_own
        FROM graph_passes ORDER BY id DESC LIMIT 1
        """
    )
    /// A bulk read may take longer than a lookup.
    private static let deadline = Duration.seconds(60)

    private let client: PostgresClient

    init(_ client: PostgresClient) { self.client = client }

    func load(now: Int64) async throws -> ScoreSnapshot {
        let pass = try await client.query(Self.pass, deadline: Self.deadline).first.map(Self.pass)
        let observations = try await ObservationLoader(client: client, kind: .node).load()
        var unobserved = UnobservedViews()
        let rows = try await client.query(Self.nodes, deadline: Self.deadline)
        let documents = try Documents(rows)
        var records: [NodeRecord] = []
        records.reserveCapacity(rows.count)
        for (index, row) in rows.enumerated() {
            let seen = observations[.init(id: try row.bytea(1), stage: nil)] ?? .none
            let view = unobserved.view(of: seen)
            guard let record = try Self.record(row, documents[index], seen, view) else { continue }
            records.append(record)
        }
        return ScoreSnapshot(records, pass: pass, loadedAt: now)
    }

    private static func pass(_ row: Row) throws -> PassRecord {
        guard let source = NodeID(try row.bytea(4)) else {
            throw PostgresError(.malformed, "graph_passes.source is no public key")
        }
        return PassRecord(
            finishedAt: try row.int8(0),
            graphClock: try row.int8(1),
            nodes: Int(try row.int4(2)),
            channels: Int(try row.int4(3)),
            source: source,
            sourceIsOwn: try row.bool(5)
        )
    }

    private static func record(
        _ row: Row,
        _ document: Documents.Element?,
        _ observations: Observations,
        _ unobserved: EvidenceView?
    ) throws -> NodeRecord? {
        guard let id = NodeID(try row.bytea(0)), let hash = NodeHash(try row.bytea(1)) else { return nil }
        var scores: NodeRecord.Scores?
        if let document {
            scores = NodeRecord.Scores(
                score: try row.float8(15),
                components: document.components,
                percentile: try row.float8(16),
                reach: document.reach,
                compatibleScore: try row.float8(17),
                compatibleComponents: document.compatible
            )
        }
        return NodeRecord(
            id: id,
            hash: hash,
            alias: try row.text(2),
            firstSeen: try row.int8(3),
            lastUpdate: try row.int8(4),
            channels: Int(try row.int4(5)),
            capacitySat: try row.int8(6),
            peers: Int(try row.int4(7)),
            disabledChannels: Int(try row.int4(8)),
            isStale: try row.bool(9),
            firstObserved: try row.int8(10),
            history: NodeRecord.History(
                capacity1dAgoSat: try row.optionalInt8(11),
                capacity7dAgoSat: try row.optionalInt8(12),
                channels7dAgo: try row.optionalInt4(13).map(Int.init),
                feeChanges7d: Int(try row.int8(14))
            ),
            scores: scores,
            observations: observations,
            unobserved: unobserved
        )
    }
}

/// The views of nodes without outcomes: one per prior, because computing one costs some ten microseconds.
private struct UnobservedViews {
    private var views: [PriorChain.Prior: EvidenceView] = [:]

    mutating func view(of observations: Observations) -> EvidenceView? {
        guard observations.beliefs.isEmpty else { return nil }
        if let view = views[observations.prior] { return view }
        let view = EvidenceView(observations, at: 0)
        views[observations.prior] = view
        return view
    }
}

/// The JSON columns of all rows, decoded in one go: a decoder's fixed cost is paid once instead of 50,000 times.
private struct Documents {
    struct Element: Decodable {
        let components: [String: Double]
        let reach: [String: NodeRecord.Path]
        let compatible: CompatibleNodeScore.Components
    }

    private let elements: [Element?]

    init(_ rows: [Row]) throws {
        var json = "["
        for row in rows {
            if json.utf8.count > 1 { json += "," }
            if let components = try row.optionalText(18) {
                json +=
                    "{\"components\":\(components),\"reach\":\(try row.text(19)),\"compatible\":\(try row.text(20))}"
            } else {
                json += "null"
            }
        }
        json += "]"
        elements = try JSONDecoder().decode([Element?].self, from: Data(json.utf8))
    }

    subscript(index: Int) -> Element? { elements[index] }
}
