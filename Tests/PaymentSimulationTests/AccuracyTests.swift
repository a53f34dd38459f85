// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gzip
import LightningGraph
import PaymentSimulation
import Testing

/// The hundred best connected nodes of mainnet.
private func top100() throws -> ChannelGraph {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/graph/mainnet-2026-02-03-top100.graph.json.gz").path
    var reader = GraphReader()
    try reader.consume(try GzipReader.readAll(path: path, limit: 20_000_000))
    return try reader.finish()
}

@Suite("Accuracy experiment")
struct AccuracyTests {
    private func json(_ experiment: AccuracyExperiment) async throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return try encoder.encode(AccuracyDocument(try await experiment.run(on: top100()), graph: "top100"))
    }

    @Test("the same seed gives the same bytes, another seed others")
    func reproducible() async throws {
        var experiment = AccuracyExperiment(seed: 3, payments: 200, observations: [0, 100], attacks: [.none, .both])
        experiment.worlds = 2
        let first = try await json(experiment)
        #expect(try await json(experiment) == first)
        experiment.seed = 4
        #expect(try await json(experiment) != first)
    }

    @Test("ours is best over all assumptions before it has seen anything, and in every row after it has")
    func wins() async throws {
        let experiment = AccuracyExperiment(
            seed: 1,
            payments: 1600,
            observations: [0, 1000],
            assumptions: [.uniform, .bimodal, .depletedHubs],
            attacks: [.none, .sybil, .channelSplitting]
        )
        let report = try await experiment.run(on: top100())
        for pooled in report.pooled {
            #expect(pooled.oursWins, "\(pooled.attack?.rawValue ?? "all") after \(pooled.observations)")
        }
        for row in report.rows where row.observations >= 1000 {
            #expect(row.oursWins, "\(row.assumption?.rawValue ?? "") \(row.attack?.rawValue ?? "")")
        }
        // Without learning the second half would be no better than the first.
        for attack in experiment.attacks {
            let (before, after) = (score(report, attack, 0), score(report, attack, 1000))
            #expect(after < 0.93 * before, "\(attack.rawValue): \(before) to \(after)")
        }
    }

    /// The pooled Brier score of ours.
    private func score(_ report: AccuracyReport, _ attack: Attack, _ observations: Int) -> Double {
        let pooled = report.pooled.first { $0.attack == attack && $0.observations == observations }
        return pooled?.scores.first { $0.predictor == .ours }?.brier ?? .nan
    }

    @Test("every row judges every method on the same payments")
    func rows() async throws {
        var experiment = AccuracyExperiment(seed: 2, payments: 120, observations: [50, 0, 10], attacks: [.sybil])
        experiment.worlds = 3
        let report = try await experiment.run(on: top100())
        #expect(report.rows.count == BalanceAssumption.allCases.count * 3)
        #expect(report.rows.map(\.observations).prefix(3) == [0, 10, 50])
        for row in report.rows {
            #expect(row.payments == 120)
            #expect(row.scores.map(\.predictor) == PredictorName.allCases)
            for score in row.scores { #expect((0...1).contains(score.brier) && score.logLoss >= 0) }
            let ours = try #require(row.scores.last)
            let best = try #require(row.scores.dropLast().map(\.brier).min())
            #expect(abs(row.brierMargin.mean - (best - ours.brier)) < 1e-9)
            #expect(row.brierMargin.low <= row.brierMargin.high)
        }
        #expect(AccuracyTable(report).rows.count == 1 + report.rows.count + report.pooled.count)
        #expect(AccuracyPlots(report).files.count == 4 + 15)
    }
}
