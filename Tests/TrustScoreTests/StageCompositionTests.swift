// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Stages, groups and calibration")
struct StageCompositionTests {
    private struct Vector: Decodable {
        struct Parameters: Decodable {
            let alpha: Double
            let beta: Double
        }
        struct SatRank: Decodable {
            let p_e2e: Double?
            let pessimistic: Double?
            let optimistic: Double?
            let meaningful: [String]
        }
        struct Assay: Decodable {
            let mean: Double
            let variance: Double
            let alpha: Double
            let beta: Double
            let ci95: [Double]
        }
        struct Case: Decodable {
            let name: String
            let stages: [String: Parameters]
            let satrank: SatRank
            let assay: Assay
        }
        let prior_for_unmeasured: [String: [Double]]
        let cases: [Case]
    }

    @Test("the whole call's probability is composed as published")
    func composition() throws {
        let vector: Vector = try vector("stage_composition")
        var priors: [Stage: BetaDistribution] = [:]
        for (name, values) in vector.prior_for_unmeasured {
            priors[try #require(Stage(rawValue: name))] = BetaDistribution(alpha: values[0], beta: values[1])
        }
        for item in vector.cases {
            var stages: [Stage: BetaDistribution] = [:]
            for (name, values) in item.stages {
                let stage = try #require(Stage(rawValue: name))
                stages[stage] = BetaDistribution(alpha: values.alpha, beta: values.beta)
            }
            let composition = StageComposition(stages, priors: priors)
            #expect(composition.measuredStages.map(\.rawValue) == item.satrank.meaningful, "\(item.name)")
            #expect(composition.measured.map(\.probability) == nil || item.satrank.p_e2e != nil, "\(item.name)")
            if let measured = composition.measured {
                #expect(agree(measured.probability, try #require(item.satrank.p_e2e)), "\(item.name)")
                #expect(agree(measured.pessimistic, try #require(item.satrank.pessimistic)), "\(item.name)")
                #expect(agree(measured.optimistic, try #require(item.satrank.optimistic)), "\(item.name)")
            } else {
                #expect(item.satrank.p_e2e == nil, "\(item.name)")
            }
            let whole = composition.endToEnd
            #expect(agree(whole.mean, item.assay.mean) && agree(whole.variance, item.assay.variance), "\(item.name)")
            #expect(agree(whole.alpha, item.assay.alpha) && agree(whole.beta, item.assay.beta), "\(item.name)")
            #expect(agree(whole.interval().lowerBound, item.assay.ci95[0]), "\(item.name)")
            #expect(agree(whole.interval().upperBound, item.assay.ci95[1]), "\(item.name)")
        }
    }

    @Test("the prior share falls to zero when every stage is measured")
    func priorShare() {
        let good = BetaDistribution(alpha: 11.5, beta: 1.5)
        #expect(StageComposition([:]).priorShare == 1)
        let all = StageComposition(Dictionary(uniqueKeysWithValues: Stage.allCases.map { ($0, good) }))
        #expect(all.priorShare == 0)
    }

    private struct GroupVector: Decodable {
        struct Item: Decodable {
            let s: Double
            let n: Double
        }
        struct Example: Decodable {
            let items: [Item]
            let pi: Double
            let M: Double
            let alpha0: Double
            let beta0: Double
            let item_2_of_2_mean: Double
            let item_0_of_2_mean: Double
        }
        let examples: [String: Example]
    }

    @Test("a group teaches its newcomers as published")
    func groups() throws {
        for (name, example) in try vector("empirical_bayes", as: GroupVector.self).examples {
            let members = example.items.map { GroupPrior.Member(successes: $0.s, total: $0.n) }
            let prior = try #require(GroupPrior(members))
            #expect(agree(prior.mean, example.pi) && agree(prior.strength, example.M), "\(name)")
            #expect(agree(prior.distribution.alpha, example.alpha0), "\(name)")
            #expect(agree(prior.distribution.beta, example.beta0), "\(name)")
            let mass = prior.strength + 2
            #expect(agree((prior.distribution.alpha + 2) / mass, example.item_2_of_2_mean), "\(name)")
            #expect(agree(prior.distribution.alpha / mass, example.item_0_of_2_mean), "\(name)")
        }
    }

    @Test("a group that is too small teaches nothing")
    func smallGroups() {
        let member = GroupPrior.Member(successes: 9, total: 10)
        #expect(GroupPrior([member, member, member, member]) == nil)
        #expect(GroupPrior(Array(repeating: GroupPrior.Member(successes: 1, total: 2), count: 9)) == nil)
        #expect(GroupPrior(Array(repeating: member, count: 5)) != nil)
    }

    private struct CalibrationVector: Decodable {
        struct Pair: Decodable {
            let p: Double
            let y: Int
        }
        struct Example: Decodable {
            let pairs: [Pair]
            let brier: Double
            let log_loss: Double
            let base_rate: Double
            let skill: Double

            private enum CodingKeys: String, CodingKey {
                case pairs, brier, base_rate, skill
                case log_loss = "log_loss_clip_1e-6"
            }
        }
        let proper_scores_example: Example
    }

    @Test("proper scores agree with the published example")
    func properScores() throws {
        let example = try vector("calibration", as: CalibrationVector.self).proper_scores_example
        let forecasts = example.pairs.map { ProperScores.Forecast(probability: $0.p, happened: $0.y == 1) }
        let scores = try #require(ProperScores(forecasts))
        #expect(agree(scores.brier, example.brier) && agree(scores.logLoss, example.log_loss))
        #expect(agree(scores.baseRate, example.base_rate))
        #expect(agree(try #require(scores.skill), example.skill))
        #expect(ProperScores([]) == nil)
        #expect(ProperScores([.init(probability: 0, happened: true)])?.skill == nil)
    }
}
