// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Calibration")
struct CalibrationTests {
    private struct Vector: Decodable {
        struct Item: Decodable {
            let n_obs: Int
            let weighted_total: Double
            let weighted_success: Double
            let history_total: Double
            let history_success: Double
            let history_mean_at: Double?
            let p_predicted: Double
            let p_observed: Double
        }
        struct Compatible: Decodable {
            let delta_mean: Double
            let delta_median: Double
            let delta_p95: Double
        }
        struct Example: Decodable {
            struct Pair: Decodable {
                let p: Double
                let y: Int
            }
            let pairs: [Pair]
            let reliability_5_bins: Double
            let resolution_5_bins: Double
            let ece_5_bins: Double
        }
        let window_start: Int64
        let items: [Item]
        let satrank: Compatible
        let noise_floor_E_abs_dev: [String: Double]
        let proper_scores_example: Example
    }

    private let vectors: Vector

    init() throws { vectors = try vector("calibration") }

    private func cases(_ count: Int, seed: UInt64, truth: (Double) -> Double) -> [CalibrationFigures.Case] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let p = Double.random(in: 0.05...0.95, using: &random)
            let happened = Double.random(in: 0..<1, using: &random) < truth(p)
            return .init(target: index / 10, forecast: .init(probability: p, happened: happened))
        }
    }

    @Test("reliability, resolution and calibration error equal the published ones")
    func example() {
        let example = vectors.proper_scores_example
        let forecasts = example.pairs.map { ProperScores.Forecast(probability: $0.p, happened: $0.y == 1) }
        let curve = ReliabilityCurve(forecasts, binning: .equalWidth(5))
        #expect(agree(curve.decomposition.reliability, example.reliability_5_bins))
        #expect(agree(curve.decomposition.resolution, example.resolution_5_bins))
        #expect(agree(curve.calibrationError, example.ece_5_bins))
    }

    @Test("SatRank's deltas equal SatRank's")
    func compatible() throws {
        let groups = vectors.items.map {
            CompatibleCalibration.Group(
                count: $0.n_obs,
                total: $0.weighted_total,
                success: $0.weighted_success,
                historyTotal: $0.history_total,
                historySuccess: $0.history_success,
                historyMeanTime: $0.history_mean_at
            )
        }
        for (group, item) in zip(groups, vectors.items) {
            #expect(agree(group.predicted(at: vectors.window_start), item.p_predicted))
            #expect(agree(group.observed, item.p_observed))
        }
        let figures = try #require(CompatibleCalibration(groups, windowStart: vectors.window_start))
        #expect(agree(figures.delta_mean, vectors.satrank.delta_mean))
        #expect(agree(figures.delta_median, vectors.satrank.delta_median))
        #expect(agree(figures.delta_p95, vectors.satrank.delta_p95))
        #expect(CompatibleCalibration([], windowStart: 0) == nil)
    }

    @Test("the noise floor of one bin is the expected deviation of a binomial share")
    func noiseFloor() throws {
        let expected = try #require(vectors.noise_floor_E_abs_dev["n=20,p=0.8"])
        let cases = (0..<20).map {
            CalibrationFigures.Case(target: $0, forecast: .init(probability: 0.8, happened: $0 < 16))
        }
        // Ten bins of two forecasts each: the mean deviation of two draws.
        let figures = try #require(CalibrationFigures(cases, draws: 20_000, seed: 3))
        let two = 0.64 * 0.2 + 0.32 * 0.3 + 0.04 * 0.8
        #expect(abs(figures.noise_floor.mean - two) < 0.005)
        #expect(figures.noise_floor.mean > expected)
    }

    @Test("an oracle that is right lies within its noise floor, one that exaggerates does not")
    func detection() throws {
        let right = try #require(CalibrationFigures(cases(3000, seed: 6) { $0 }))
        #expect(right.ece.value <= right.noise_floor.p95)
        #expect(right.skill?.low ?? 0 > 0.1)
        let wrong = try #require(CalibrationFigures(cases(3000, seed: 2) { 0.5 + ($0 - 0.5) / 2 }))
        #expect(wrong.ece.value > wrong.noise_floor.p95 * 2)
        #expect(wrong.ece.low > wrong.noise_floor.mean)
    }

    @Test("figures are reproducible, intervals hold their values, bins hold all cases")
    func shape() throws {
        let cases = cases(997, seed: 5) { $0 * $0 }
        let figures = try #require(CalibrationFigures(cases, draws: 300, seed: 8))
        #expect(figures == CalibrationFigures(cases, draws: 300, seed: 8))
        #expect(figures != CalibrationFigures(cases, draws: 300, seed: 9))
        for estimate in [figures.brier, figures.log_loss, figures.ece] {
            #expect(estimate.low <= estimate.value && estimate.value <= estimate.high && estimate.low < estimate.high)
        }
        #expect(figures.curve.count == 10 && figures.curve.reduce(0) { $0 + $1.n } == 997)
        #expect(figures.curve.map(\.predicted) == figures.curve.map(\.predicted).sorted())
        #expect(figures.targets == 100 && CalibrationFigures([]) == nil)
        let parts = figures.murphy
        #expect(abs(parts.reliability - parts.resolution + parts.uncertainty - figures.brier.value) < 0.01)
    }

    @Test("intervals widen when outcomes of a target are alike")
    func clustering() throws {
        let alone = (0..<400).map {
            CalibrationFigures.Case(target: $0, forecast: .init(probability: 0.7, happened: $0 % 10 < 7))
        }
        let alike = (0..<400).map {
            CalibrationFigures.Case(target: $0 / 40, forecast: .init(probability: 0.7, happened: $0 / 40 < 7))
        }
        let (a, b) = (try #require(CalibrationFigures(alone)), try #require(CalibrationFigures(alike)))
        #expect(b.brier.high - b.brier.low > 3 * (a.brier.high - a.brier.low))
    }

    @Test("a group without one member teaches what the same group made without it teaches")
    func leaveOneOut() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<200 {
            let members = (0..<Int.random(in: 4...40, using: &random)).map { _ in
                let total = Double.random(in: 0.5...30, using: &random)
                return GroupPrior.Member(
                    successes: total * Double.random(in: 0...1, using: &random),
                    total: total
                )
            }
            let totals = GroupTotals(members)
            for index in members.indices {
                var others = members
                let own = others.remove(at: index)
                let (fast, slow) = (totals.prior(excluding: own), GroupPrior(others))
                #expect((fast == nil) == (slow == nil))
                guard let fast, let slow else { continue }
                #expect(agree(fast.mean, slow.mean) && agree(fast.strength, slow.strength, 1e-6))
            }
        }
    }

    @Test("a prior comes from the smallest group that knows enough, and a rating only adds three observations")
    func chain() {
        func target(_ operatorName: String, _ own: (Double, Double), upstream: Double? = nil) -> PriorChain.Target {
            PriorChain.Target(
                groups: [
                    .init(.operatorGroup, operatorName, limit: 10), .init(.category, "ai"), .init(.stage, "payment"),
                ],
                own: .init(successes: own.0, total: own.1),
                upstream: upstream
            )
        }
        let good = (0..<8).map { _ in target("good", (19, 20)) }
        let bad = (0..<3).map { _ in target("bad", (1, 20)) }
        let chain = PriorChain(good + bad)
        let prior = chain.prior(for: good[0])
        #expect(prior.level == .operatorGroup && prior.distribution.mean > 0.9)
        #expect(agree(prior.distribution.alpha + prior.distribution.beta, 10))
        #expect(chain.prior(for: bad[0]).level == .category)
        let rated = chain.prior(for: target("good", (0, 0), upstream: 0))
        #expect(agree(rated.distribution.alpha + rated.distribution.beta, 13) && rated.level == .operatorGroup)
        let alone = PriorChain([target("x", (1, 1), upstream: 0.9)]).prior(for: target("x", (0, 0), upstream: 0.9))
        #expect(alone.level == .upstream && agree(alone.distribution.mean, 0.9) && agree(alone.distribution.alpha, 2.7))
        #expect(PriorChain([]).prior(for: target("x", (0, 0))) == .flat)
    }

    @Test("whoever lists many services of their own moves no prior of theirs, and one of strangers like one member")
    func manyOfOneOwner() {
        func target(_ owner: String, _ successes: Double, of total: Double) -> PriorChain.Target {
            PriorChain.Target(
                groups: [.init(.category, "ai", limit: 10), .init(.stage, "delivery")],
                own: GroupPrior.Member(successes: successes, total: total),
                owner: owner
            )
        }
        let strangers = (0..<6).map { target("site \($0)", 5, of: 10) }
        let crowd = (0..<100).map { _ in target("crowd", 100, of: 100) }
        let before = PriorChain(strangers)
        let after = PriorChain(strangers + crowd)
        let newcomer = target("crowd", 0, of: 0)
        #expect(after.prior(for: newcomer) == before.prior(for: newcomer))
        #expect(after.prior(for: newcomer).distribution.mean == 0.5)
        // Six members with ten outcomes each against one with twenty: (30 + 20 + 1.5) / (60 + 20 + 3).
        let stranger = after.prior(for: target("new", 0, of: 0))
        #expect(stranger.level == .category && abs(stranger.distribution.mean - 51.5 / 83) < 1e-9)
        #expect(stranger.distribution.alpha + stranger.distribution.beta <= 10 + 1e-9)
        // A category of one's own teaches nothing.
        #expect(PriorChain(crowd).prior(for: newcomer).level == .flat)
        #expect(PriorChain(crowd).prior(for: target("new", 0, of: 0)).level == .flat)
    }
}
