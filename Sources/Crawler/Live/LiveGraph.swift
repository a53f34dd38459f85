// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
internal import LightningGraph
public import LightningPrimitives
internal import Metrics
public import Postgres

/// The graph in memory: read as a whole now and then, kept current by updates in between, scored when it has changed.
///
/// Updates that come while the whole graph is read wait, which holds the source back, and are applied to the new graph;
/// so none is lost. Passes of one process never overlap.
public actor LiveGraph<Source: GraphUpdateSource> {
    private let pass: GraphPass<Source>
    private let updates = UpdateMetrics()
    private var evolving: EvolvingGraph?
    private var scored: ScoredGraph?
    /// Taken from the graph by a pass that then failed.
    private var unwritten = GraphDelta()
    private var isReading = false
    private var isPassing = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Rings when there is something to be scored; a ring stands for all that nobody has heard yet.
    public nonisolated let rings: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    public init(_ source: Source, options: PassOptions = PassOptions()) {
        pass = GraphPass(source, options: options)
        (rings, bell) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Whether a graph has been read.
    public var isLoaded: Bool { scored != nil }

    /// The graph as of the last pass, and the node it was read from.
    func current() -> (graph: ChannelGraph, node: NodeID)? { scored.map { ($0.graph, $0.node) } }

    /// Chooses such nodes; `nil` without a graph of two nodes.
    public func canaries() -> RouteCanaries? {
        guard let graph = scored?.graph else { return nil }
        var capacities = [Int64](repeating: 0, count: graph.nodes.count)
        for channel in graph.channels {
            capacities[Int(channel.node1)] += channel.capacitySat
            capacities[Int(channel.node2)] += channel.capacitySat
        }
        let named = capacities.indices.filter { capacities[$0] > 0 }
        guard let hub = named.max(by: { capacities[$0] < capacities[$1] }),
            let small = named.filter({ $0 != hub }).min(by: { capacities[$0] < capacities[$1] })
        else { return nil }
        let nodes = graph.nodes
        return RouteCanaries(hub: nodes[hub].id, small: nodes[small].id, capacity: .sat(capacities[small]))
    }

    /// Whether something waits to be scored.
    public var hasChanged: Bool { evolving?.hasChanged == true || (evolving != nil && !unwritten.isEmpty) }

    /// Asks for a pass even if nothing has changed.
    public func ring() { bell.yield() }

    /// Forgets the graph, because somebody else keeps it current now.
    public func unload() {
        evolving = nil
        scored = nil
        unwritten = GraphDelta()
    }

    /// Reads the whole graph and scores it.
    ///
    /// - Throws: as ``GraphPass/run(_:now:progress:)``; the graph that was there stays.
    public func resync(
        _ session: PostgresSession,
        now: Date = Date(),
        progress: @Sendable (PassProgress) -> Void = { _ in }
    ) async throws -> PassReport {
        await beginPass()
        isReading = true
        defer {
            isReading = false
            endPass()
        }
        let outcome = try await pass.full(session, now: now, progress: progress)
        evolving = EvolvingGraph(outcome.scored.graph)
        scored = outcome.scored
        unwritten = GraphDelta()
        return outcome.report
    }

    /// Takes a line of the source's stream; never fails, whatever it holds.
    public func apply(line: [UInt8], now: Date = Date()) async {
        let update = GraphUpdate(line: line)
        while isReading { await withCheckedContinuation { waiting.append($0) } }
        guard var graph = evolving.take() else { return }
        let outcome = graph.apply(update, now: Int64(now.timeIntervalSince1970))
        let hasChanged = graph.hasChanged
        evolving = graph
        updates.record(outcome, bad: update.badElements)
        if hasChanged { bell.yield() }
    }

    /// Scores the graph as it is now, and writes what that changes.
    ///
    /// - Returns: `nil` when no graph has been read yet.
    /// - Throws: `PostgresError`; the changes are kept for the next call.
    public func rescore(_ session: PostgresSession, now: Date = Date()) async throws -> PassReport? {
        await beginPass()
        defer { endPass() }
        guard var graph = evolving.take(), var base = scored else { return nil }
        let (settled, delta) = graph.settle()
        evolving = graph
        base.graph = settled
        unwritten.append(delta)
        let outcome = try await pass.update(session, base, delta: unwritten, now: now)
        unwritten = GraphDelta()
        scored = outcome.scored
        return outcome.report
    }

    private func beginPass() async {
        while isPassing { await withCheckedContinuation { waiting.append($0) } }
        isPassing = true
    }

    private func endPass() {
        isPassing = false
        let woken = waiting
        waiting = []
        for continuation in woken { continuation.resume() }
    }
}

/// Nodes for questions about routes whose answers are known beforehand.
public struct RouteCanaries: Sendable {
    /// The node with the most capacity.
    public let hub: NodeID
    /// The node with the least.
    public let small: NodeID
    /// What it has.
    public let capacity: MilliSatoshi
}

/// What became of the elements of updates.
private struct UpdateMetrics: Sendable {
    private let applied = Counter(label: "graph_updates_total", dimensions: [("result", "applied")])
    private let ignored = Counter(label: "graph_updates_total", dimensions: [("result", "ignored")])
    private let bad = Counter(label: "graph_updates_total", dimensions: [("result", "bad")])

    func record(_ outcome: EvolvingGraph.Outcome, bad count: Int) {
        applied.increment(by: outcome.applied)
        ignored.increment(by: outcome.ignored)
        bad.increment(by: count)
    }
}
