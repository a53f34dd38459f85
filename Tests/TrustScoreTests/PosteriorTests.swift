// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Posterior")
struct PosteriorTests {
    private struct Vector: Decodable {
        struct Observation: Decodable {
            let t: Int64
            let success: Bool
            let weight: Double
        }
        struct State: Decodable {
            let alpha: Double
            let beta: Double
            let last: Int64
            let n: Int
        }
        struct Read: Decodable {
            let at: Int64
            let alpha: Double
            let beta: Double
            let n_eff: Double
            let p_success: Double
            let ci95_exact: [Double]
        }
        struct Sequence: Decodable {
            let name: String
            let observations: [Observation]?
            let state_after_each: [State]?
            let reads: [Read]?
        }
        let steady_state_limits: [String: Double]
        let sequences: [Sequence]
    }

    @Test("evidence fades on writing and on reading as published")
    func sequences() throws {
        var compared = 0
        for sequence in try vector("decay_streaming", as: Vector.self).sequences {
            guard let observations = sequence.observations else { continue }
            var posterior = Posterior()
            for (index, observation) in observations.enumerated() {
                posterior.observe(success: observation.success, weight: observation.weight, at: observation.t)
                guard let state = sequence.state_after_each?[index] else { continue }
                #expect(agree(posterior.alpha, state.alpha) && agree(posterior.beta, state.beta), "\(sequence.name)")
                #expect(posterior.lastUpdate == state.last && posterior.count == state.n, "\(sequence.name)")
                compared += 1
            }
            for read in sequence.reads ?? [] {
                let belief = posterior.distribution(at: read.at)
                #expect(agree(belief.alpha, read.alpha) && agree(belief.beta, read.beta), "\(sequence.name)")
                #expect(agree(belief.evidence, read.n_eff) && agree(belief.mean, read.p_success), "\(sequence.name)")
                #expect(agree(belief.interval().lowerBound, read.ci95_exact[0]), "\(sequence.name)")
                #expect(agree(belief.interval().upperBound, read.ci95_exact[1]), "\(sequence.name)")
            }
        }
        #expect(compared >= 17)
    }

    @Test("a perfect target reaches the published steady state")
    func steadyState() throws {
        let limits = try vector("decay_streaming", as: Vector.self).steady_state_limits
        let schedules: [(name: String, step: Int64, weight: Double)] = [
            ("one obs per 6h (LN node probe, bucket-deduplicated)", 6 * 3600, 1),
            ("one per hour (hot endpoint)", 3600, 1),
            ("one per 24h (cold endpoint)", 86_400, 1),
            ("paid weight 2 every 6h", 6 * 3600, 2),
        ]
        for schedule in schedules {
            var posterior = Posterior()
            var time: Int64 = 1_770_000_000
            for _ in 0..<(300 * 86_400 / schedule.step) {
                time += schedule.step
                posterior.observe(success: true, weight: schedule.weight, at: time)
            }
            let limit = try #require(limits[schedule.name])
            #expect(agree(posterior.distribution(at: time).evidence, limit), "\(schedule.name)")
        }
    }

    @Test("no order of observations takes a parameter below the prior or above the sum of weights")
    func bounded() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var posterior = Posterior()
            var total = 0.0
            for _ in 0..<20 {
                let weight = Double.random(in: -1...3, using: &generator)
                total += max(0, weight)
                let times: [Int64] = [.min, -5, 0, 1_770_000_000, .max]
                let time = times.randomElement(using: &generator) ?? 0
                posterior.observe(success: Bool.random(using: &generator), weight: weight, at: time)
            }
            #expect(posterior.alpha >= 1.5 && posterior.beta >= 1.5)
            #expect(posterior.alpha + posterior.beta <= 3 + total + 1e-9)
        }
    }
}
