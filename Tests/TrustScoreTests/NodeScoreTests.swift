// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Node score")
struct NodeScoreTests {
    private struct Vector: Decodable {
        struct Input: Decodable {
            let channels: Int
            let capacity_sats: Int64
            let unique_peers: Int
            let age_days: Double
            let uptime7d: Double
            let latency_mean_std_ms: [Double]?
            let hops_mean_std: [Double]?
            let pagerank_percentile: Int
            let capacity_7d_ago: Int64?
            let fee_changes_7d: Int
            let fee_channels_7d: Int
            let tier_success: [String: Double]?
            let base_tier_reachable: Bool
            let disabled_channels: Int
            let gossip_age_days: Double
            let total_probes: Int
            let verified_tx: Int
        }
        struct Case: Decodable {
            let name: String
            let input: Input
            let components: CompatibleNodeScore.Components
            let base: Double
            let probe_multiplier: Double
            let score_fine: Double
        }
        let cases: [Case]
        let fee_stability_curve: [String: Int]
        let capacity_trend_curve: [String: Int]
        let seniority_curve_days: [String: Int]
    }

    private func facts(_ input: Vector.Input) -> CompatibleNodeScore.Facts {
        var facts = CompatibleNodeScore.Facts()
        facts.channels = input.channels
        facts.capacitySat = input.capacity_sats
        facts.peers = input.unique_peers
        facts.ageDays = input.age_days
        facts.gossipAgeDays = input.gossip_age_days
        facts.disabledChannels = input.disabled_channels
        facts.pageRankPercentile = input.pagerank_percentile
        facts.capacity7dAgoSat = input.capacity_7d_ago
        facts.feeChanges7d = input.fee_changes_7d
        facts.feeChannels7d = input.fee_channels_7d
        facts.probes = input.total_probes
        facts.uptime7d = input.uptime7d
        facts.latency = input.latency_mean_std_ms.map { .init(mean: $0[0], deviation: $0[1]) }
        facts.hops = input.hops_mean_std.map { .init(mean: $0[0], deviation: $0[1]) }
        if input.total_probes > 0 { facts.baseTier = input.base_tier_reachable ? .reachable : .unreachable }
        for (tier, rate) in input.tier_success ?? [:] { facts.tierSuccess[Int64(tier) ?? 0] = rate }
        facts.verifiedTransactions = input.verified_tx
        return facts
    }

    @Test("the compatible score and its components are SatRank's")
    func compatible() throws {
        for item in try vector("node_score_compat", as: Vector.self).cases {
            let score = CompatibleNodeScore(facts(item.input))
            #expect(score.components == item.components, "\(item.name)")
            #expect(agree(score.base, item.base), "\(item.name)")
            #expect(agree(score.probeFactor, item.probe_multiplier), "\(item.name)")
            #expect(abs(score.score - item.score_fine) < 0.005, "\(item.name)")
        }
    }

    @Test("seniority follows its curve")
    func seniority() throws {
        for (days, value) in try vector("node_score_compat", as: Vector.self).seniority_curve_days {
            var facts = CompatibleNodeScore.Facts()
            facts.ageDays = try #require(Double(days))
            #expect(CompatibleNodeScore(facts).components.seniority == value)
        }
    }

    @Test("components without evidence are absent and leave their weight to the others")
    func absent() throws {
        let score = try #require(NodeScore([.reach100k: .init(value: 0.9), .rank: .init(value: 0.3)], medians: [:]))
        #expect(score.score == 70)
        #expect(Set(score.values.keys) == [.reach100k, .rank])
        #expect(NodeScore([:], medians: [:]) == nil)
        #expect(abs(NodeScore.Component.allCases.reduce(0) { $0 + $1.weight } - 1.10) < 1e-12)
    }

    @Test("a value with few observations is pulled to the median")
    func shrinkage() throws {
        let values = try [0.0, 20, 1e12].map { observations in
            let measurement = NodeScore.Measurement(value: 1, observations: observations)
            return try #require(NodeScore([.uptime: measurement], medians: [.uptime: 0.5])).values[.uptime] ?? -1
        }
        #expect(values[0] == 0.5 && values[1] == 0.75 && values[2] > 0.999)
    }

    @Test("every component stays in 0...1 and every score in 0...100 for absurd facts")
    func absurd() throws {
        #expect(NodeScore.flow(sat: .max) == 1 && NodeScore.flow(sat: -5) == 0)
        #expect(NodeScore.age(days: -1) == 0)
        #expect(NodeScore.policyStability(changesPerChannelAndWeek: 100) == 0)
        #expect(NodeScore.Measurement(value: 7).value == 1)
        var facts = CompatibleNodeScore.Facts()
        facts.channels = 1_000_000
        facts.capacitySat = 2_100_000_000_000_000
        facts.peers = 1_000_000
        facts.ageDays = -5
        facts.gossipAgeDays = -5
        facts.verifiedTransactions = .max
        #expect((0...100).contains(CompatibleNodeScore(facts).score))
    }

    @Test("the median of an even number of values lies between the middle two")
    func medians() {
        #expect(median([]) == nil)
        #expect(median([3]) == 3)
        #expect(median([4, 1, 3, 2]) == 2.5)
    }
}
