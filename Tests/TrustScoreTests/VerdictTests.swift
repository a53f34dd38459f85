// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Verdict")
struct VerdictTests {
    private struct Vector: Decodable {
        struct Evidence: Decodable {
            let success: Double
            let failure: Double
        }
        struct Source: Decodable {
            let p_success: Double
            let n_obs: Double
        }
        struct Case: Decodable {
            let name: String
            let evidence: [String: Evidence]
            let p_success: Double
            let ci95_compat: [Double]
            let ci95_exact: [Double]
            let n_obs: Double
            let per_source: [String: Source]
            let sources_above: [String]
            let verdict: String
            let above: Double
            let below: Double

            private enum CodingKeys: String, CodingKey {
                case name, evidence, p_success, ci95_compat, ci95_exact, n_obs, per_source, verdict
                case sources_above = "sources_above_0.80"
                case above = "prob_p_gt_0.8_exact"
                case below = "prob_p_lt_0.5_exact"
            }
        }
        let cases: [Case]
    }

    private func assessment(_ evidence: [(EvidenceSource, success: Double, failure: Double)]) -> Assessment {
        var sources: [EvidenceSource: BetaDistribution] = [:]
        for (source, success, failure) in evidence {
            sources[source] = BetaDistribution(alpha: 1.5 + success, beta: 1.5 + failure)
        }
        return Assessment(sources)
    }

    @Test("the compatible verdict is SatRank's")
    func compatible() throws {
        for item in try vector("verdict_compat", as: Vector.self).cases {
            let assessment = assessment(
                try item.evidence.map { name, evidence in
                    (try #require(EvidenceSource(rawValue: name)), evidence.success, evidence.failure)
                }
            )
            let belief = assessment.combined
            #expect(assessment.compatibleVerdict().rawValue == item.verdict, "\(item.name)")
            #expect(agree(belief.mean, item.p_success) && agree(belief.evidence, item.n_obs), "\(item.name)")
            #expect(abs(belief.compatibleInterval.lowerBound - item.ci95_compat[0]) < 1e-9, "\(item.name)")
            #expect(abs(belief.compatibleInterval.upperBound - item.ci95_compat[1]) < 1e-9, "\(item.name)")
            #expect(agree(belief.interval().lowerBound, item.ci95_exact[0]), "\(item.name)")
            #expect(agree(belief.interval().upperBound, item.ci95_exact[1]), "\(item.name)")
            #expect(assessment.sourcesAboveThreshold.map(\.rawValue).sorted() == item.sources_above.sorted())
            #expect(agree(belief.survival(0.8), item.above), "\(item.name)")
            #expect(agree(belief.cumulative(0.5), item.below), "\(item.name)")
            #expect(Set(assessment.sources.keys.map(\.rawValue)) == Set(item.per_source.keys), "\(item.name)")
        }
    }

    @Test("a condemned target is risky whatever its evidence")
    func condemned() {
        #expect(assessment([(.probe, 30, 0), (.paid, 20, 0)]).compatibleVerdict(isCondemned: true) == .risky)
    }

    @Test("without evidence our verdict is insufficient and the belief is the prior")
    func nothing() {
        let judgement = assessment([]).verdict()
        #expect(judgement.verdict == .insufficient)
        #expect(judgement.belief == Posterior.flatPrior)
    }

    @Test("our verdict is safe only with two kinds of evidence or settled payments, and no critical flag")
    func safe() {
        #expect(assessment([(.probe, 30, 0)]).verdict().verdict == .unknown)
        #expect(assessment([(.probe, 30, 0), (.report, 1, 0)]).verdict().verdict == .safe)
        #expect(assessment([(.paid, 30, 0)]).verdict(settledPayments: 5).verdict == .safe)
        let flagged = assessment([(.probe, 30, 0), (.report, 1, 0)]).verdict(hasCriticalFlag: true)
        #expect(flagged.verdict == .unknown)
    }

    @Test("our verdict is risky when failure is nine times as likely as success to prevail")
    func risky() {
        #expect(assessment([(.probe, 2, 12)]).verdict().verdict == .risky)
        #expect(assessment([(.probe, 10, 10)]).verdict().verdict == .unknown)
    }
}
