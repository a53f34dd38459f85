// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningGraph
internal import TrustScore

/// Simulates payments over a real graph with hidden balances and compares who forecasts their success best.
///
/// The event that all forecast is the same: one attempt to pay an amount along a given path arrives. The path is chosen
/// by none of them. Observed payments are the sender's own, a thousand a day, and move balances; judged payments follow
/// within the next day, teach nobody, and move nothing. See `docs/simulation.md`.
public struct AccuracyExperiment: Sendable {
    public var seed: UInt64
    /// Payments judged in every row.
    public var payments: Int
    /// Numbers of payments observed before, ascending.
    public var observations: [Int]
    public var assumptions: [BalanceAssumption]
    public var attacks: [Attack]
    /// Senders and hidden networks over which the payments of a row are spread, so that no single hub's fate decides it.
    public var worlds = 4
    /// Share of the nodes that fail now and then or for good.
    public var failingShare = 0.1
    /// How far balances wander in a week, as a deviation in ranks of their distribution.
    public var weeklyDrift = 0.25

    private static let secondsPerPayment = 86.4
    private static let day = 86_400.0
    private static let parallelParts = 4

    public init(
        seed: UInt64 = 1,
        payments: Int = 6000,
        observations: [Int] = [0, 1000, 10_000],
        assumptions: [BalanceAssumption] = BalanceAssumption.standard,
        attacks: [Attack] = Attack.allCases
    ) {
        self.seed = seed
        self.payments = payments
        self.observations = observations.sorted()
        self.assumptions = assumptions
        self.attacks = attacks
    }

    /// A network and the payments that are tried on it, the same under every assumption.
    private struct Stage: Sendable {
        let network: SimulatedNetwork
        let observed: [SimulatedPayment]
        let judged: [SimulatedPayment]
        let seed: UInt64
    }

    /// Forecasts and outcomes of one assumption, attack and number of observations.
    struct Trial: Sendable {
        let assumption: BalanceAssumption
        let attack: Attack
        let observations: Int
        var forecasts: [PredictorName: [ProperScores.Forecast]]
    }

    /// What one task computes.
    private struct Part: Sendable, Hashable {
        let attack: Int
        let world: Int
    }

    /// Whether a graph has enough nodes that can be paid over others.
    public func canRun(on graph: ChannelGraph) -> Bool {
        let facts = NodeFacts.all(of: graph, adjacency: Adjacency(graph), clock: graph.clock(now: Int64(UInt32.max)))
        return facts.count(where: { $0.liveCapacitySat > 0 }) >= 50
    }

    /// Runs all of it.
    ///
    /// - Parameters:
    ///   - graph: a snapshot with at least a hundred channels between nodes that can be paid.
    ///   - progress: is told after each part how many of how many are done.
    /// - Throws: `CancellationError`.
    public func run(
        on graph: ChannelGraph,
        progress: @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> AccuracyReport {
        let parts = attacks.indices.flatMap { attack in (0..<worlds).map { Part(attack: attack, world: $0) } }
        progress(0, parts.count)
        let results = try await withThrowingTaskGroup(of: (Part, [Trial]).self) { group in
            var results: [Part: [Trial]] = [:]
            // Each part holds a network of some 30 MB: not all at once.
            var waiting = parts[...]
            for part in waiting.prefix(Self.parallelParts) { group.addTask { (part, try trials(part, graph)) } }
            waiting = waiting.dropFirst(Self.parallelParts)
            while let (part, trials) = try await group.next() {
                results[part] = trials
                progress(results.count, parts.count)
                if let next = waiting.popFirst() { group.addTask { (next, try self.trials(next, graph)) } }
            }
            return results
        }
        return AccuracyReport(self, trials: merged(results))
    }

    /// Puts the worlds of a row together, in the order of the report.
    private func merged(_ results: [Part: [Trial]]) -> [Trial] {
        var rows: [Trial] = []
        for (position, _) in assumptions.enumerated() {
            for attack in attacks.indices {
                for stop in observations.indices {
                    let pieces = (0..<worlds).compactMap { world in
                        results[Part(attack: attack, world: world)]?[position * observations.count + stop]
                    }
                    guard var row = pieces.first else { continue }
                    for piece in pieces.dropFirst() {
                        row.forecasts.merge(piece.forecasts) { $0 + $1 }
                    }
                    rows.append(row)
                }
            }
        }
        return rows
    }

    /// All assumptions on one network.
    private func trials(_ part: Part, _ graph: ChannelGraph) throws -> [Trial] {
        let attack = attacks[part.attack]
        let worldSeed = SeededGenerator.seed(seed, purpose: "world \(part.world)")
        let network = SimulatedNetwork(graph, attack: attack, seed: worldSeed)
        let share = payments * (part.world + 1) / worlds - payments * part.world / worlds
        let stage = Stage(
            network: network,
            observed: network.payments(observations.last ?? 0, seed: worldSeed, purpose: "observed"),
            judged: network.payments(share, seed: worldSeed, purpose: "judged"),
            seed: worldSeed
        )
        return try assumptions.flatMap { assumption in
            try Task.checkCancellation()
            return trials(stage, assumption)
        }
    }

    /// One run through time, with a stop for judging at every number of observations.
    private func trials(_ stage: Stage, _ assumption: BalanceAssumption) -> [Trial] {
        let behaviour = HiddenNetwork.Behaviour(failingShare: failingShare, weeklyDrift: weeklyDrift)
        var hidden = HiddenNetwork(stage.network, assumption: assumption, behaviour: behaviour, seed: stage.seed)
        var predictors = PredictorName.allCases.map { ($0, $0.make(for: stage.network)) }
        var seen = 0
        return observations.map { stop in
            while seen < stop {
                let payment = stage.observed[seen]
                let time = Double(seen) * Self.secondsPerPayment
                let refusal = hidden.attempt(payment, at: time, settles: true)
                for index in predictors.indices { predictors[index].1.observe(payment, refusedAt: refusal, time: time) }
                seen += 1
            }
            return Trial(
                assumption: assumption,
                attack: stage.network.attack,
                observations: stop,
                forecasts: judge(stage, predictors, hidden, from: Double(stop) * Self.secondsPerPayment)
            )
        }
    }

    /// Lets everybody forecast the payments of the next day; the outcomes teach nobody.
    private func judge(
        _ stage: Stage,
        _ predictors: [(PredictorName, any Predictor)],
        _ hidden: HiddenNetwork,
        from start: Double
    ) -> [PredictorName: [ProperScores.Forecast]] {
        var future = hidden
        var forecasts: [PredictorName: [ProperScores.Forecast]] = [:]
        for (index, payment) in stage.judged.enumerated() {
            let time = start + Double(index + 1) / Double(stage.judged.count + 1) * Self.day
            let arrived = future.attempt(payment, at: time, settles: false) == nil
            for (name, predictor) in predictors {
                let probability = predictor.probability(of: payment, time: time)
                forecasts[name, default: []].append(.init(probability: probability, happened: arrived))
            }
        }
        return forecasts
    }
}
