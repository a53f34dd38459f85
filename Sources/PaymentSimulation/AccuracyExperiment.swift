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
    /// Share of the nodes that fail now and then or for good.
    public var failingShare = 0.1
    /// How far balances wander in a week, as a deviation in ranks of their distribution.
    public var weeklyDrift = 0.25

    private static let secondsPerPayment = 86.4
    private static let day = 86_400.0

    public init(
        seed: UInt64 = 1,
        payments: Int = 5000,
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
    }

    /// Forecasts and outcomes of one assumption, attack and number of observations.
    struct Trial: Sendable {
        let assumption: BalanceAssumption
        let attack: Attack
        let observations: Int
        let forecasts: [PredictorName: [ProperScores.Forecast]]
    }

    /// Runs all of it.
    ///
    /// - Parameters:
    ///   - graph: a snapshot with at least a hundred channels between nodes that can be paid.
    ///   - progress: is told after each part how many of how many are done.
    public func run(
        on graph: ChannelGraph,
        progress: @Sendable (Int, Int) -> Void = { _, _ in }
    ) async throws -> AccuracyReport {
        let total = attacks.count * (1 + assumptions.count)
        var done = 0
        progress(0, total)
        var trials: [String: [Trial]] = [:]
        for attack in attacks {
            try Task.checkCancellation()
            let stage = stage(on: graph, attack: attack)
            done += 1
            progress(done, total)
            await withTaskGroup(of: (BalanceAssumption, [Trial]).self) { group in
                for assumption in assumptions {
                    group.addTask { (assumption, trial(stage, assumption)) }
                }
                for await (assumption, result) in group {
                    trials[attack.rawValue + assumption.rawValue] = result
                    done += 1
                    progress(done, total)
                }
            }
        }
        let ordered = assumptions.flatMap { assumption in
            attacks.flatMap { attack in trials[attack.rawValue + assumption.rawValue] ?? [] }
        }
        return AccuracyReport(self, trials: ordered)
    }

    private func stage(on graph: ChannelGraph, attack: Attack) -> Stage {
        let network = SimulatedNetwork(graph, attack: attack, seed: seed)
        return Stage(
            network: network,
            observed: network.payments(observations.last ?? 0, seed: seed, purpose: "observed \(attack.rawValue)"),
            judged: network.payments(payments, seed: seed, purpose: "judged \(attack.rawValue)")
        )
    }

    /// One run through time, with a stop for judging at every number of observations.
    private func trial(_ stage: Stage, _ assumption: BalanceAssumption) -> [Trial] {
        let behaviour = HiddenNetwork.Behaviour(failingShare: failingShare, weeklyDrift: weeklyDrift)
        var hidden = HiddenNetwork(stage.network, assumption: assumption, behaviour: behaviour, seed: seed)
        var predictors = PredictorName.allCases.map { ($0, $0.make(for: stage.network)) }
        var trials: [Trial] = []
        var seen = 0
        for stop in observations {
            while seen < stop {
                let payment = stage.observed[seen]
                let time = Double(seen) * Self.secondsPerPayment
                let refusal = hidden.attempt(payment, at: time, settles: true)
                for index in predictors.indices { predictors[index].1.observe(payment, refusedAt: refusal, time: time) }
                seen += 1
            }
            var future = hidden
            let start = Double(stop) * Self.secondsPerPayment
            var forecasts: [PredictorName: [ProperScores.Forecast]] = [:]
            for (index, payment) in stage.judged.enumerated() {
                let time = start + Double(index + 1) / Double(stage.judged.count + 1) * Self.day
                let arrived = future.attempt(payment, at: time, settles: false) == nil
                for (name, predictor) in predictors {
                    let probability = predictor.probability(of: payment, time: time)
                    forecasts[name, default: []].append(.init(probability: probability, happened: arrived))
                }
            }
            let trial = Trial(
                assumption: assumption,
                attack: stage.network.attack,
                observations: stop,
                forecasts: forecasts
            )
            trials.append(trial)
        }
        return trials
    }
}
