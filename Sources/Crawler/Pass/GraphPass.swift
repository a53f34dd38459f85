// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Evidence
public import FoundationEssentials
internal import LightningGraph
internal import LightningPrimitives
internal import Logging
public import Postgres
internal import TrustScore

/// One scoring pass: reads the whole graph, stores what changed, computes both scores of every node, stores those.
///
/// Everything is written in one transaction, so a failed pass leaves the last one's results. Computing takes a second or
/// two: run it with ``BackgroundExecutor`` where others wait for the same threads.
public struct GraphPass<Source: GraphSource>: Sendable {
    private let source: Source
    private let options: PassOptions
    private let metrics = PassMetrics()
    private let liquidity = LiquidityLearning()

    public init(_ source: Source, options: PassOptions = PassOptions()) {
        self.source = source
        self.options = options
    }

    /// Runs the pass.
    ///
    /// - Parameters:
    ///   - session: a connection of its own, outside of any transaction.
    ///   - now: the time of the pass.
    ///   - progress: is told about every step and every few megabytes.
    /// - Throws: ``GraphPassError``, ``GraphReadError``, `PostgresError`, or what the source throws.
    public func run(
        _ session: PostgresSession,
        now: Date = Date(),
        progress: @Sendable (PassProgress) -> Void = { _ in }
    ) async throws -> PassReport {
        try await full(session, now: now, progress: progress).report
    }

    /// Runs the pass and keeps what the next ones can build on.
    func full(
        _ session: PostgresSession,
        now: Date,
        progress: @Sendable (PassProgress) -> Void = { _ in }
    ) async throws -> (report: PassReport, scored: ScoredGraph) {
        var steps = StepClock()
        let status = try await source.status()
        guard status.isSyncedToGraph else {
            throw GraphPassError(.notSynced, "node \(status.node) does not know the whole graph yet")
        }
        let (graph, reading) = try await read(&steps, progress: progress)
        let scored = ScoredGraph(node: status.node, graph: graph, results: [:])
        return try await run(session, scored, delta: nil, reading: reading, now: now, steps: &steps, progress)
    }

    /// Scores a graph that has changed since the last pass, and writes only what that changed.
    func update(
        _ session: PostgresSession,
        _ scored: ScoredGraph,
        delta: GraphDelta,
        now: Date
    ) async throws -> (report: PassReport, scored: ScoredGraph) {
        var steps = StepClock()
        let reading = GraphReader.Report()
        return try await run(session, scored, delta: delta, reading: reading, now: now, steps: &steps) { _ in }
    }

    /// - Parameter delta: what has changed since the last pass; `nil` when that is not known.
    private func run(
        _ session: PostgresSession,
        _ scored: ScoredGraph,
        delta: GraphDelta?,
        reading: GraphReader.Report,
        now: Date,
        steps: inout StepClock,
        _ progress: @Sendable (PassProgress) -> Void
    ) async throws -> (report: PassReport, scored: ScoredGraph) {
        let seconds = Int64(now.timeIntervalSince1970)
        let graph = scored.graph
        let view = steps.measure(.facts) { GraphView(graph, now: seconds) }
        var vantage = Vantage(graph: graph, facts: view.facts, own: scored.node, options: options)
        var report = PassReport(
            reading: reading,
            nodes: graph.nodes.count,
            channels: graph.channels.count,
            source: graph.nodes[vantage.source].id,
            isSourceOwnNode: vantage.isOwnNode
        )
        report.isFull = delta == nil
        var results = scored.results
        try await session.transaction {
            let store = GraphStore(session)
            progress(PassProgress(phase: "store", done: 0, total: 1))
            try await store.waitForTurn()
            report.changes =
                if let delta {
                    try await store.ingest(delta, of: view, now: seconds)
                } else {
                    try await store.ingest(view, now: seconds)
                }
            steps.end(.ingest)
            progress(PassProgress(phase: "store", done: 1, total: 1))
            let histories = try await store.histories(of: graph, now: seconds)
            vantage.trust(histories.indices.lazy.filter { histories[$0].payments?.hasSettled == true })
            report.seeds = vantage.seeds.count
            let attempts = try await PathOutcomeStore.read(
                session,
                since: seconds - PathOutcomeStore.lifetime,
                after: liquidity.newest
            )
            let hot = try await store.hotNodes(of: graph)
            steps.end(.history)
            let inputs = Inputs(histories: histories, attempts: attempts, hot: hot, own: scored.node, now: seconds)
            let (scores, forecasts) = try score(view, vantage, inputs, steps: &steps, report: &report, progress)
            try await PathOutcomeStore.note(forecasts, on: session)
            let fresh = scores.map(ScoreRow.init)
            progress(PassProgress(phase: "write", done: 0, total: 1))
            if delta == nil {
                report.changes.scores = try await store.write(fresh, of: graph)
            } else {
                report.changes.scores = try await store.write(fresh, of: graph, unlike: results)
            }
            results = Dictionary(uniqueKeysWithValues: zip(graph.nodes.lazy.map(\.id), fresh))
            steps.end(.write)
            report.steps = steps.steps
            report.duration = steps.elapsed
            if delta == nil || report.changes.total > 0 {
                try await store.record(report, startedAt: now, clock: view.clock)
            }
        }
        steps.end(.commit)
        report.steps = steps.steps
        report.duration = steps.elapsed
        metrics.record(report)
        progress(PassProgress(phase: "write", done: 1, total: 1))
        return (report, ScoredGraph(node: scored.node, graph: graph, results: results))
    }

    private func read(
        _ steps: inout StepClock,
        progress: @Sendable (PassProgress) -> Void
    ) async throws -> (ChannelGraph, GraphReader.Report) {
        var reader = GraphReader()
        var parsing = Duration.zero
        var reported = 0
        let clock = ContinuousClock()
        try await source.readGraph { bytes in
            try Task.checkCancellation()
            let start = clock.now
            try reader.consume(bytes)
            parsing += clock.now - start
            if reader.report.bytes - reported >= 4 << 20 {
                reported = reader.report.bytes
                progress(PassProgress(phase: "graph", done: reported, total: nil))
            }
        }
        let graph = try reader.finish().ordered()
        steps.end(.receive, .parse, part: parsing)
        progress(PassProgress(phase: "graph", done: reader.report.bytes, total: reader.report.bytes))
        guard !graph.channels.isEmpty else { throw GraphPassError(.emptyGraph, "the graph has no channel") }
        return (graph, reader.report)
    }

    /// What a pass knows besides the graph.
    private struct Inputs {
        let histories: [NodeHistory]
        /// Attempts of our own that have not been learnt from yet.
        let attempts: [PathOutcomeStore.Stored]
        /// Indexes of nodes that are asked for a lot: their paths are computed exactly.
        let hot: [Int]
        let own: NodeID
        let now: Int64
    }

    /// - Returns: the scores, and what was forecast for the attempts that were learnt from.
    private func score(
        _ view: GraphView,
        _ vantage: Vantage,
        _ inputs: Inputs,
        steps: inout StepClock,
        report: inout PassReport,
        _ progress: @Sendable (PassProgress) -> Void
    ) throws -> ([NodeScoring.Result], [Int64: Double]) {
        let total = PassOptions.tiers.count + 2
        progress(PassProgress(phase: "score", done: 0, total: total))
        let links = WeightedLinks.perPair(of: view.graph, clock: view.clock)
        let (compatible, seeded) = ranks(view, vantage, links)
        steps.end(.rank)
        let places = LiquidityView(
            view.graph,
            facts: view.facts,
            links: links,
            ranks: PageRank.seeded(links, seeds: vantage.vouchers).scores
        )
        let forecasts = liquidity.learn(from: inputs.attempts, in: places, own: inputs.own)
        steps.end(.liquidity)
        progress(PassProgress(phase: "score", done: 1, total: total))
        let reach = try paths(view, vantage, places, inputs, progress)
        for (tier, paths) in zip(PassOptions.tiers, reach) { report.reachable[tier] = paths.reachable }
        steps.end(.paths)
        let scoring = NodeScoring(
            graph: view.graph,
            facts: view.facts,
            histories: inputs.histories,
            compatiblePercentiles: compatible,
            percentiles: seeded,
            reach: reach,
            flows: try steps.measure(.flow) { try flows(view, vantage, hot: inputs.hot) },
            clock: view.clock,
            now: inputs.now
        )
        let results = steps.measure(.score) { scoring.results() }
        progress(PassProgress(phase: "score", done: total, total: total))
        return (results, forecasts)
    }

    /// The best paths to every node for every amount, those to hot nodes exactly.
    private func paths(
        _ view: GraphView,
        _ vantage: Vantage,
        _ places: LiquidityView,
        _ inputs: Inputs,
        _ progress: @Sendable (PassProgress) -> Void
    ) throws -> [Reachability] {
        let clock = ContinuousClock()
        let sweep = PathSweep(view.graph, adjacency: view.adjacency)
        let model = liquidity.model
        let amounts = PassOptions.tiers.map { MilliSatoshi.sat($0) }
        var reach: [Reachability] = []
        for hops in model.probabilities(in: places, amounts: amounts, time: Double(inputs.now)) {
            try Task.checkCancellation()
            let start = clock.now
            var paths = sweep.paths(from: vantage.source, probabilities: hops)
            // That a node reaches itself says nothing about how it can be paid.
            if let second = vantage.second { paths.lookAtSource(from: sweep.paths(from: second, probabilities: hops)) }
            for node in inputs.hot where node != vantage.source {
                let exact = sweep.exactPath(to: node, from: vantage.source, amount: hops.amount) { direction, _ in
                    hops.values[Int(direction)]
                }
                paths.replacePath(
                    to: node,
                    by: exact,
                    probability: exact.map { exact in
                        let way = exact.hops.map { (place: places.place($0.direction), amountMsat: $0.amount.msat) }
                        return model.probability(
                            of: way.filter { $0.place.from != inputs.own },
                            time: Double(inputs.now)
                        )
                    }
                )
            }
            metrics.recordSweep(tier: PassOptions.tiers[reach.count], clock.now - start)
            reach.append(paths)
            progress(PassProgress(phase: "score", done: 1 + reach.count, total: PassOptions.tiers.count + 2))
        }
        return reach
    }

    /// SatRank's percentile of every node, and the one of the seeded PageRank.
    private func ranks(_ view: GraphView, _ vantage: Vantage, _ links: WeightedLinks) -> (
        compatible: [Int], seeded: [Double]
    ) {
        let compatible = PageRank.compatible(.perChannel(of: view.graph))
        let seeded = PageRank.seeded(links, seeds: vantage.seeds)
        return (Percentile.compatible(compatible.scores), Percentile.averaged(seeded.scores))
    }

    /// What the seeds could send to every node, in sat; `nil` where they are too far away to tell.
    ///
    /// The largest nodes and those that are asked for are measured whatever it costs.
    private func flows(_ view: GraphView, _ vantage: Vantage, hot: [Int]) throws -> [Int64?] {
        var flow = SeedFlow(view.graph, adjacency: view.adjacency, seeds: vantage.seeds, clock: view.clock)
        let certain = Set(vantage.largest).union(hot)
        return try view.graph.nodes.indices.map { node in
            try Task.checkCancellation()
            return flow.flow(to: node, lookingAt: certain.contains(node) ? .max : SeedFlow.searchLimit)
        }
    }
}
