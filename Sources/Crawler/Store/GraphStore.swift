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
        let graph = view.graph
        try await stage(
            nodes: graph.nodes.indices.lazy.map { Self.row(graph.nodes[$0], view.facts[$0], now: now) },
            channels: graph.channels.lazy.map { Self.row($0, graph) },
            policies: graph.channels.lazy.flatMap { channel in
                [Self.row(channel.policy1, channel, direction: 0), Self.row(channel.policy2, channel, direction: 1)]
                    .compactMap { $0 }
            }
        )
        var changes = PassReport.Changes()
        changes.nodes = try await write(GraphStatements.upsertNodes) + write(GraphStatements.emptyNodes)
        changes.channels = try await write(GraphStatements.upsertChannels)
        changes.removedChannels = try await write(GraphStatements.deleteChannels)
        changes.fees = try await write(GraphStatements.recordFeeChanges)
        changes.policies = try await write(GraphStatements.upsertPolicies) + write(GraphStatements.deletePolicies)
        _ = try await write(GraphStatements.recordCapacity, [.float8(Double(now))])
        return changes
    }

    /// Waits for another writer's end, then keeps others out until this transaction's end.
    func waitForTurn() async throws {
        _ = try await session.query(GraphStatements.waitForTurn, deadline: Self.deadline)
    }

    /// Writes what a delta names.
    func ingest(_ delta: GraphDelta, of view: GraphView, now: Int64) async throws -> PassReport.Changes {
        let graph = view.graph
        let nodes = delta.nodes.sorted().compactMap(graph.index)
        let gone = delta.nodes.filter { graph.index(of: $0) == nil }
        let named = delta.channels.union(delta.policies.map(\.channel))
        // The channels of a delta are few and those of the graph are in order.
        let channels = named.compactMap { id in graph.channel(id).map { ($0.id, $0) } }
        let found = Dictionary(uniqueKeysWithValues: channels)
        var policies: [[PostgresValue]] = []
        var unknown: [GraphDelta.Direction] = []
        for direction in delta.policies {
            guard let channel = found[direction.channel] else { continue }
            let policy = channel.policy(direction: direction.direction)
            if let row = Self.row(policy, channel, direction: Int16(direction.direction)) {
                policies.append(row)
            } else {
                unknown.append(direction)
            }
        }
        try await stage(
            nodes: nodes.map { Self.row(graph.nodes[$0], view.facts[$0], now: now) },
            channels: delta.channels.compactMap { found[$0] }.map { Self.row($0, graph) },
            policies: policies
        )
        var changes = PassReport.Changes()
        changes.nodes = try await write(GraphStatements.upsertNodes)
        if !gone.isEmpty {
            changes.nodes += try await write(GraphStatements.emptyNodesNamed, [.byteaArray(gone.map(\.bytes))])
        }
        changes.channels = try await write(GraphStatements.upsertChannels)
        let closed = PostgresValue.int8Array(delta.closed.map { Int64(bitPattern: $0.rawValue) })
        if !delta.closed.isEmpty {
            changes.removedChannels = try await write(GraphStatements.deleteChannelsNamed, [closed])
            changes.policies += try await write(GraphStatements.deletePoliciesNamed, [closed])
        }
        changes.fees = try await write(GraphStatements.recordFeeChanges)
        changes.policies += try await write(GraphStatements.upsertPolicies)
        if !unknown.isEmpty {
            let scids = unknown.map { Int64(bitPattern: $0.channel.rawValue) }
            let directions = unknown.map { Int16($0.direction) }
            changes.policies += try await write(
                GraphStatements.deleteDirectionsNamed,
                [.int8Array(scids), .int2Array(directions)]
            )
        }
        return changes
    }

    private func stage(
        nodes: some Sequence<[PostgresValue]>,
        channels: some Sequence<[PostgresValue]>,
        policies: some Sequence<[PostgresValue]>
    ) async throws {
        try await session.script(GraphStatements.stage)
        _ = try await session.copyIn(GraphStatements.copyNodes, columns: 10, rows: nodes)
        _ = try await session.copyIn(GraphStatements.copyChannels, columns: 4, rows: channels)
        _ = try await session.copyIn(GraphStatements.copyPolicies, columns: 11, rows: policies)
        try await session.script(GraphStatements.analyze)
    }

    /// What the database knows of the graph's nodes, in node order.
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
        let constants = [EvidenceSource.probe, .paid].map { PostgresValue.float8($0.timeConstant) }
        for row in try await session.query(GraphStatements.payments, [time] + constants, deadline: Self.deadline) {
            guard let index = try NodeID(row.bytea(0)).flatMap(graph.index) else { continue }
            histories[index].payments = NodeHistory.Payments(
                mean: try row.float8(1),
                weight: try row.float8(2),
                hasSettled: try row.bool(3)
            )
        }
        return histories
    }

    /// Indexes of the nodes whose services are asked for, at most 100.
    func hotNodes(of graph: ChannelGraph) async throws -> [Int] {
        try await session.query(GraphStatements.hotNodes, deadline: Self.deadline).compactMap { row in
            try NodeID(row.bytea(0)).flatMap(graph.index)
        }
    }

    /// Writes the scores that differ and removes those of nodes that left the graph.
    ///
    /// - Returns: rows written or removed.
    func write(_ rows: [ScoreRow], of graph: ChannelGraph) async throws -> Int {
        try await send(zip(graph.nodes.lazy.map(\.id), rows))
        return try await write(GraphStatements.upsertScores) + write(GraphStatements.deleteScores)
    }

    /// Writes the scores that are others than before, and removes those of nodes that left the graph.
    ///
    /// - Returns: rows written or removed.
    func write(
        _ rows: [ScoreRow],
        of graph: ChannelGraph,
        unlike before: [NodeID: ScoreRow]
    ) async throws -> Int {
        let changed = zip(graph.nodes.lazy.map(\.id), rows).filter { before[$0] != $1 }
        let gone = before.keys.filter { graph.index(of: $0) == nil }
        var written = 0
        if !changed.isEmpty {
            try await send(changed)
            written = try await write(GraphStatements.upsertScores)
        }
        guard !gone.isEmpty else { return written }
        return written + (try await write(GraphStatements.deleteScoresNamed, [.byteaArray(gone.map(Self.hash))]))
    }

    private func send(_ rows: some Sequence<(NodeID, ScoreRow)>) async throws {
        // Made while they are sent, so that the database reads the first ones meanwhile.
        let values = rows.lazy.map { node, row in
            [.bytea(Self.hash(node))] + row.figures.map { $0.map(PostgresValue.float8) ?? .null }
        }
        let columns = ScoreRow.columns.count + 1
        _ = try await session.copyIn(GraphStatements.copyScores, columns: columns, rows: values)
        try await session.script("ANALYZE staged_scores")
    }

    /// Records the pass and tells the readers, both as of the commit.
    func record(_ report: PassReport, startedAt: Date, clock: Int64) async throws {
        let values: [PostgresValue] = [
            .timestamptz(startedAt), .int8(clock), .int4(Int32(clamping: report.nodes)),
            .int4(Int32(clamping: report.channels)), .bytea(report.source.bytes), .bool(report.isSourceOwnNode),
            .jsonb(try PassDocument().report(report)),
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
