// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustScore

@Suite("Survival, risk and flags")
struct SurvivalTests {
    private struct Vector: Decodable {
        struct Input: Decodable {
            let p_now: Double?
            let p_7d_ago: Double?
            let uptime7d: Double?
            let gossip_age_days: Double?
        }
        struct Output: Decodable {
            let score: Int
            let prediction: String
        }
        struct Case: Decodable {
            let input: Input
            let output: Output
        }
        struct Window: Decodable {
            let s: Double
            let n: Double
        }
        struct Trend: Decodable {
            let recent: Window
            let prior: Window
            let profile: String
        }
        let survival: [Case]
        let risk_profile_trend: [Trend]
    }

    @Test("survival and trend are SatRank's")
    func vectors() throws {
        let vector: Vector = try vector("survival_risk")
        for item in vector.survival {
            let survival = Survival(
                probabilityNow: item.input.p_now,
                probability7dAgo: item.input.p_7d_ago,
                uptime7d: item.input.uptime7d,
                gossipAgeDays: item.input.gossip_age_days
            )
            #expect(survival.score == item.output.score)
            #expect(survival.prediction.rawValue == item.output.prediction)
        }
        for item in vector.risk_profile_trend {
            let level = RiskLevel(
                recent: .init(successes: item.recent.s, total: item.recent.n),
                earlier: .init(successes: item.prior.s, total: item.prior.n)
            )
            #expect(level.rawValue == item.profile)
        }
    }

    @Test("the first profile that fits wins")
    func profiles() {
        let hub = RiskProfile.Facts(score: 85, ageDays: 1500, channels: 1800, regularity: 95)
        #expect(RiskProfile.of(hub).profile == .establishedHub)
        var declining = hub
        declining.change7d = -0.2
        #expect(RiskProfile.of(declining) == (.decliningNode, .high))
        let new = RiskProfile.Facts(score: 30, ageDays: 10, channels: 3, regularity: 100)
        #expect(RiskProfile.of(new) == (.newUnproven, .high))
        let small = RiskProfile.Facts(score: 55, ageDays: 800, channels: 20, regularity: 80)
        #expect(RiskProfile.of(small) == (.smallReliable, .low))
        #expect(RiskProfile.of(.init(score: 20, ageDays: 100, channels: 20, regularity: 0)).level == .unknown)
    }

    @Test("flags follow their thresholds, and what is unknown raises none")
    func flags() {
        #expect(Flag.all(for: Flag.Facts()).isEmpty)
        var facts = Flag.Facts()
        facts.ageDays = 29
        facts.channels = 9
        facts.gossipAgeDays = 15
        facts.isReachable = false
        facts.capacityChange24h = -0.5
        #expect(Flag.all(for: facts) == [.newAgent, .lowVolume, .zombieGossip, .unreachable, .severeCapacityDrain])
        facts.gossipAgeDays = 8
        facts.capacityChange24h = -0.3
        #expect(Flag.all(for: facts).contains(.staleGossip) && Flag.all(for: facts).contains(.capacityDrain))
    }
}
