// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TrustScore

@Suite("Beta distribution")
struct BetaDistributionTests {
    private struct Vector: Decodable {
        struct Row: Decodable {
            let alpha: Double
            let beta: Double
            let mean: Double
            let q: [String: Double]
            let sf: [String: Double]
            let normal_approx_ci95: [Double]
        }
        let rows: [Row]
    }

    @Test("quantiles and tails agree with the published values to 1e-9")
    func vectors() throws {
        for row in try vector("beta_quantiles", as: Vector.self).rows {
            let belief = BetaDistribution(alpha: row.alpha, beta: row.beta)
            #expect(agree(belief.mean, row.mean))
            for (text, value) in row.q {
                let probability = try #require(Double(text))
                #expect(agree(belief.quantile(probability), value, 2e-9), "\(row.alpha), \(row.beta) at \(text)")
            }
            for (text, value) in row.sf {
                #expect(
                    agree(belief.survival(try #require(Double(text))), value),
                    "\(row.alpha), \(row.beta) at \(text)"
                )
            }
            #expect(abs(belief.compatibleInterval.lowerBound - row.normal_approx_ci95[0]) < 1e-9)
            #expect(abs(belief.compatibleInterval.upperBound - row.normal_approx_ci95[1]) < 1e-9)
        }
    }

    @Test("a quantile's cumulative probability is the probability asked for")
    func inverse() {
        for alpha in [0.05, 0.5, 1.5, 9, 300, 20_000] {
            for beta in [0.05, 0.5, 1.5, 9, 300, 20_000] {
                let belief = BetaDistribution(alpha: alpha, beta: beta)
                for probability in [0.001, 0.025, 0.3, 0.5, 0.9, 0.975] {
                    let x = belief.quantile(probability)
                    #expect((0...1).contains(x))
                    // Next to 1 the quantile itself has no more digits.
                    guard x < 1 - 1e-9, x > 1e-300 else { continue }
                    #expect(abs(belief.cumulative(x) - probability) < 1e-7, "\(alpha), \(beta), \(probability)")
                }
            }
        }
    }

    @Test("both tails of any belief add to one")
    func tails() {
        for alpha in [0.5, 3, 80] {
            for x in [0.0, 1e-12, 0.2, 0.5, 0.99, 1] {
                let belief = BetaDistribution(alpha: alpha, beta: 2)
                #expect(abs(belief.cumulative(x) + belief.survival(x) - 1) < 1e-10)
            }
        }
    }

    @Test("the logarithm of the gamma function is that of the factorial")
    func gamma() {
        #expect(abs(logGamma(1)) < 1e-14)
        #expect(agree(logGamma(0.5), 0.572_364_942_924_700_1, 1e-13))
        #expect(agree(logGamma(11), 15.104_412_573_075_516, 1e-14))
        #expect(agree(logGamma(101), 363.739_375_555_563_5, 1e-14))
    }
}
