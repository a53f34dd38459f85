// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Advisory")
struct AdvisoryTests {
    private struct Vector: Decodable {
        struct Input: Decodable {
            let flags: [String]
            let reachability: Double?
            let delta7d: Double?
            let ci95_low: Double
            let ci95_high: Double
            let freshness: Advisory.Freshness

            private enum CodingKeys: CodingKey {
                case flags, reachability, delta7d, ci95_low, ci95_high, last_probe_age_sec
            }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                flags = try container.decode([String].self, forKey: .flags)
                reachability = try container.decodeIfPresent(Double.self, forKey: .reachability)
                delta7d = try container.decodeIfPresent(Double.self, forKey: .delta7d)
                ci95_low = try container.decode(Double.self, forKey: .ci95_low)
                ci95_high = try container.decode(Double.self, forKey: .ci95_high)
                if container.contains(.last_probe_age_sec) {
                    let age = try container.decodeIfPresent(Int64.self, forKey: .last_probe_age_sec)
                    freshness = age.map { .checked(age: $0) } ?? .neverChecked
                } else {
                    freshness = .notApplicable
                }
            }
        }
        struct Output: Decodable {
            let risk_score: Double
            let level: String
            let codes: [String]
        }
        struct Case: Decodable {
            let name: String
            let input: Input
            let output: Output
        }
        let cases: [Case]
    }

    @Test("levels, scores and reasons are SatRank's")
    func vectors() throws {
        for item in try vector("advisory", as: Vector.self).cases {
            let advisory = Advisory(
                flags: try item.input.flags.map { try #require(Flag(rawValue: $0)) },
                reachability: item.input.reachability,
                change7d: item.input.delta7d,
                interval: item.input.ci95_low...item.input.ci95_high,
                freshness: item.input.freshness
            )
            #expect(advisory.riskScore == item.output.risk_score, "\(item.name)")
            #expect(advisory.level.rawValue == item.output.level, "\(item.name)")
            #expect(advisory.entries.map(\.code.rawValue) == item.output.codes, "\(item.name)")
            #expect(advisory.entries.allSatisfy { (0...1).contains($0.strength) }, "\(item.name)")
        }
    }

    @Test("the recommendation follows the worst finding")
    func recommendation() {
        let green = Advisory(flags: [], reachability: 1, change7d: 0, interval: 0.85...0.97)
        let orange = Advisory(flags: [.fraudReported], reachability: 1, change7d: 0, interval: 0.8...0.95)
        #expect(green.recommendation(verdict: .safe, lowerBound: 0.85, hasCriticalFlag: false) == .proceed)
        #expect(green.recommendation(verdict: .safe, lowerBound: 0.69, hasCriticalFlag: false) == .proceedWithCaution)
        #expect(green.recommendation(verdict: .risky, lowerBound: 0.85, hasCriticalFlag: false) == .avoid)
        #expect(orange.recommendation(verdict: .safe, lowerBound: 0.8, hasCriticalFlag: false) == .considerAlternative)
        #expect(orange.recommendation(verdict: .safe, lowerBound: 0.8, hasCriticalFlag: true) == .avoid)
    }

    @Test("an unproven operator is a reason, a proven one is not")
    func operators() {
        for (status, count) in [(Advisory.OperatorStatus.pending, 1), (.rejected, 1), (.verified, 0)] {
            let advisory = Advisory(
                flags: [],
                reachability: 1,
                change7d: 0,
                interval: 0.9...0.95,
                operatorStatus: status
            )
            #expect(advisory.entries.count == count)
        }
    }
}
