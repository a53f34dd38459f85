// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials
internal import LightningGraph
internal import LightningPrimitives
internal import Postgres
internal import TrustScore

/// The database side of one pass, inside the pass's transaction.
struct GraphStore {
    private let session: PostgresSession

    init(_ session: PostgresSession) { self.session = session }

    /// Sends the graph and writes what differs from the last one.
    func ingest(_ view: GraphView, now: Int64) async throws -> PassReport.Changes {
        try await session.script(GraphStatements.stage)
        let graph = view.graph
        let nodeRows = graph.nodes.indices.lazy.map { Self.row(graph.nodes[$0], view.facts[$0], now: now) }
        _ = try await session.copyIn(GraphStatements.copyNodes, columns: 10, rows: nodeRows)
        let channelRows = graph.channels.lazy.map { Self.row($0, graph) }
        _ = try await session.copyIn(GraphStatements.copyChannels, columns: 4, rows: channelRows)
        let policyRows = graph.channels.lazy.flatMap { channel in
            [Self.row(channel.policy1, channel, direction: 0), Self.row(channel.policy2, channel, direction: 1)]
                .compactMap { $0 }
        }
        _ = try await session.copyIn(GraphStatements.copyPolicies, columns: 11, rows: policyRows)
        try await session.script(GraphStatements.analyze)
        var changes = PassReport.Changes()
        changes.nodes = try await write(GraphStatements.upsertNodes) + write(GraphStatements.emptyNodes)
        changes.channels = try await write(GraphStatements.upsertChannels)
        changes.removedChannels = try await write(GraphStatements.deleteChannels)
        changes.fees = try await write(GraphStatements.recordFeeChanges)
        changes.policies = try await write(GraphStatements.upsertPolicies) + write(GraphStatements.deletePolicies)
        _ = try await write(GraphStatements.recordCapacity, [.float8(Double(now))])
        return changes
    }

    /// What the database knows of the staged nodes, in node order.
    func histories(of graph: ChannelGraph, now: Int64) async throws -> [NodeHistory] {
        var histories = [NodeHistory](
            repeating: NodeHistory(firstSeen: now, firstObserved: now),
            count: graph.nodes.count
        )
        let time = PostgresValue.float8(Double(now))
        for row in try await session.query(GraphStatements.histories, [time], deadline: Self.deadline) {
            guard let index = try NodeID(row.bytea(0)).flatMap(graph.index) else { continue }
            histories[index].firstSeen = try row.int8(1)
            histories[index].firstObserved = try row.int8(2)
            histories[index].capacity7dAgo = try row.optionalInt8(3)
        }
        for row in try await session.query(GraphStatements.feeChanges, [time], deadline: Self.deadline) {
            guard let index = try NodeID(row.bytea(0)).flatMap(graph.index) else { continue }
            histories[index].feeChanges7d = Int(try row.int8(1))
        }
        return histories
    }

    /// Writes the scores that differ and removes those of nodes that left the graph.
    ///
    /// - Returns: rows written or removed.
    func write(_ results: [NodeScoring.Result], of graph: ChannelGraph) async throws -> Int {
        let documents = ScoreDocuments()
        var rows: [[PostgresValue]] = []
        rows.reserveCapacity(results.count)
        for (node, result) in zip(graph.nodes, results) {
            rows.append([
                .bytea(Self.hash(node.id)),
                .float8(result.score.score),
                .jsonb(try documents.components(result.score)),
                .float8(result.percentile),
                .jsonb(try documents.reach(result.paths)),
                .float8(result.compatible.score),
                .jsonb(try documents.components(result.compatible)),
            ])
        }
        _ = try await session.copyIn(GraphStatements.copyScores, columns: 7, rows: rows)
        try await session.script("ANALYZE staged_scores")
        return try await write(GraphStatements.upsertScores) + write(GraphStatements.deleteScores)
    }

    /// Records the pass and tells the readers, both as of the commit.
    func record(_ report: PassReport, startedAt: Date, clock: Int64) async throws {
        let values: [PostgresValue] = [
            .timestamptz(startedAt), .int8(clock), .int4(Int32(clamping: report.nodes)),
            .int4(Int32(clamping: report.channels)), .bytea(report.source.bytes), .bool(report.isSourceOwnNode),
            .jsonb(try ScoreDocuments().report(report)),
        ]
        _ = try await write(GraphStatements.recordPass, values)
        _ = try await session.query(GraphStatements.notify)
    }

    /// A set statement over the whole graph may take longer than a lookup.
    private static let deadline = Duration.seconds(60)

    private func write(_ statement: Statement, _ values: [PostgresValue] = []) async throws(PostgresError) -> Int {
        try await session.execute(statement, values, deadline: Self.deadline)
    }

    /// The name of a node in the API: SHA-256 of its key's hexadecimal digits.
    private static func hash(_ id: NodeID) -> [UInt8] { Array(SHA256.hash(data: Array(id.hex.utf8))) }

    private static func row(_ node: GraphNode, _ facts: NodeFacts, now: Int64) -> [PostgresValue] {
        let oldest = facts.oldestBlock > 0 ? blockTime(facts.oldestBlock) : now
        return [
            .bytea(node.id.bytes), .bytea(hash(node.id)), .text(node.alias), .int8(min(now, oldest)),
            .int8(node.lastUpdate), .int4(facts.channels), .int8(facts.capacitySat), .int4(facts.peers),
            .int4(facts.disabled), .int4(Int32(clamping: facts.oldestBlock)),
        ]
    }

    private static func row(_ channel: Channel, _ graph: ChannelGraph) -> [PostgresValue] {
        [
            .int8(Int64(bitPattern: channel.id.rawValue)),
            .bytea(graph.nodes[Int(channel.node1)].id.bytes),
            .bytea(graph.nodes[Int(channel.node2)].id.bytes),
            .int8(channel.capacitySat),
        ]
    }

    private static func row(_ policy: ChannelPolicy?, _ channel: Channel, direction: Int16) -> [PostgresValue]? {
        guard let policy else { return nil }
        let numbers = [
            policy.baseFeeMsat, policy.feePPM, policy.timeLockDelta, policy.minHTLCMsat, policy.maxHTLCMsat,
            policy.inboundBaseFeeMsat, policy.inboundFeePPM,
        ]
        return [.int8(Int64(bitPattern: channel.id.rawValue)), .int2(direction)]
            + numbers.map { policy.isKnown ? .int8($0) : .null } + [.bool(policy.isDisabled), .int8(policy.lastUpdate)]
    }
}
