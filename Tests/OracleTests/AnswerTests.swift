// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LightningPrimitives
import Oracle
import Postgres
import Testing

@Suite("Oracle answers")
struct AnswerTests {
    private let now = OracleDatabase.now
    /// ACINQ.
    private let acinq = "03864ef025fde8fb587d989186ce6a4a186895ee44a926bfc370e2c366597a3f8f"

    private func identifier(_ text: String) throws -> NodeIdentifier { try #require(NodeIdentifier(text)) }

    @Test("a node is named by its key or by the hash of the key's text, in either case")
    func identifiers() throws {
        let byKey = try identifier(acinq)
        // sha256sum of the key's text
        #expect(byKey.hash.hex == "fce15c4cf8db86db85778ea4ba9a382075d36d8c19c7ad2c6ffe8f624a5f42cb")
        #expect(try identifier(byKey.hash.hex).hash == byKey.hash)
        #expect(try identifier(acinq.uppercased()).hash == byKey.hash)
        for text in [
            "", "03", acinq + "0", String(acinq.dropLast()), "04" + acinq.dropFirst(2), "zz" + acinq.dropFirst(2),
        ] {
            #expect(NodeIdentifier(text) == nil)
        }
    }

    @Test("the leaderboard is ordered by our score and paged over all nodes")
    func top() async throws {
        let snapshot = try await OracleDatabase.snapshot()
        let all = snapshot.top(limit: 1000, offset: 0, now: now)
        #expect(all.data.count == 96 && all.meta.total == 96)
        #expect(all.data.map(\.rank) == Array(1...96))
        let scores = all.data.compactMap(\.score)
        #expect(scores.count == 96 && scores == scores.sorted(by: >))
        let page = snapshot.top(limit: 5, offset: 94, sortBy: .pSuccess, now: now)
        #expect(page.data.map(\.publicKeyHash) == all.data.suffix(2).map(\.publicKeyHash))
        #expect(page.meta.sort_by == "p_success")
        #expect(snapshot.top(limit: 5, offset: 1000, now: now).data.isEmpty)
        #expect(snapshot.top(limit: -1, offset: -1, now: now).data.isEmpty)
    }

    @Test("a search finds parts of aliases whatever their case")
    func search() async throws {
        let snapshot = try await OracleDatabase.snapshot()
        let found = snapshot.search(alias: "aCiN", limit: 20, offset: 0, now: now)
        #expect(found.data.map(\.alias) == ["ACINQ"])
        #expect(snapshot.search(alias: "no such alias", limit: 20, offset: 0, now: now).meta.total == 0)
        #expect(snapshot.search(alias: "", limit: 20, offset: 0, now: now).meta.total == 0)
        #expect(snapshot.search(alias: "\n", limit: 20, offset: 0, now: now).meta.total == 0)
        let common = snapshot.search(alias: "e", limit: 1, offset: 1, now: now)
        #expect(common.data.count == 1 && common.meta.total > 10)
        let ranks = snapshot.search(alias: "e", limit: 100, offset: 0, now: now).data.map(\.rank)
        #expect(ranks == ranks.sorted() && Set(ranks).count == ranks.count)
    }

    @Test("without outcomes nothing is claimed, and the score says what it is made of")
    func honesty() async throws {
        let snapshot = try await OracleDatabase.snapshot()
        let profile = try #require(snapshot.profile(identifier(acinq), now: now))
        #expect(profile.bayesian.n_obs == 0 && profile.bayesian.verdict == "INSUFFICIENT")
        #expect(!profile.bayesian.is_meaningful && profile.bayesian.p_success == 0.5)
        #expect(profile.bayesian.last_update == nil && profile.bayesian.sources.probe == nil)
        #expect(profile.probeUptime == nil && profile.channelFlow == nil && profile.capacityHealth == nil)
        #expect(profile.feeVolatility == nil && profile.evidence.probe == nil && profile.evidence.reputation == nil)
        #expect(profile.scores.basis.evidence == ["public_graph"])
        #expect(profile.scores.basis.pathSourceIsOwnNode == false)
        #expect(Set(profile.scores.components.keys) == Set(profile.scores.weights.keys))
        #expect(profile.scores.components["payments"] == nil)
        let score = try #require(profile.score)
        var (sum, total) = (0.0, 0.0)
        for (name, value) in profile.scores.components {
            let weight = try #require(profile.scores.weights[name])
            sum += weight * value
            total += weight
        }
        #expect(abs(score - 100 * sum / total) < 0.01)
    }

    @Test("answers hold every member of their shape, null where nothing is known")
    func shapes() async throws {
        let snapshot = try await OracleDatabase.snapshot()
        let profile = try json(try #require(snapshot.profile(identifier(acinq), now: now)))
        for key in [
            "agent", "bayesian", "rank", "reports", "reporterStats", "probeUptime", "survival", "channelFlow",
            "capacityHealth", "feeVolatility", "riskProfile", "evidence", "flags", "score", "components", "scores",
        ] { #expect(profile.keys.contains(key), "\(key)") }
        #expect(profile["probeUptime"] is NSNull)
        let components = try #require(profile["components"] as? [String: Int])
        #expect(Set(components.keys) == ["volume", "reputation", "seniority", "regularity", "diversity"])
        let scores = try #require(profile["scores"] as? [String: Any])
        let reach = try #require(scores["reach"] as? [String: Any])
        #expect(Set(reach.keys) == ["1000", "10000", "100000", "1000000"])
        let agent = try json(try #require(snapshot.agent(identifier(acinq), now: now)))
        for key in ["agent", "bayesian", "stats", "evidence", "alerts"] { #expect(agent.keys.contains(key), "\(key)") }
        let verdict = try json(snapshot.verdict(identifier(acinq), now: now))
        for key in [
            "publicKeyHash", "p_success", "ci95_low", "ci95_high", "n_obs", "verdict", "sources", "convergence",
            "recent_activity", "risk_profile", "time_constant_days", "last_update", "is_meaningful", "reason", "flags",
            "personalTrust", "riskProfile", "pathfinding", "advisory_level", "risk_score", "advisories", "reachability",
            "operator_id",
        ] { #expect(verdict.keys.contains(key), "\(key)") }
        #expect(verdict["pathfinding"] is NSNull && verdict["last_update"] is NSNull)
        let sources = try #require(verdict["sources"] as? [String: Any])
        #expect(sources["paid"] is NSNull)
        let stats = try json(snapshot.stats())
        for key in [
            "totalAgents", "activeAgents", "agentsAll", "totalEndpoints", "serviceEndpointCount", "nodesProbed",
            "phantomRate", "verifiedReachable", "probes24h", "totalChannels", "nodesWithRatings", "networkCapacityBtc",
            "totalVolumeBuckets", "serviceSources",
        ] { #expect(stats.keys.contains(key), "\(key)") }
    }

    @Test("verdicts come in the order asked, duplicates included, unknown nodes too")
    func verdicts() async throws {
        let snapshot = try await OracleDatabase.snapshot()
        let known = try identifier(acinq)
        let unknown = try identifier(String(repeating: "ab", count: 32))
        let answers = snapshot.verdicts([unknown, known, .hash(known.hash), unknown], now: now)
        let rows = try answers.map { try json($0) }
        #expect(rows.map { $0["publicKeyHash"] as? String } == [unknown, known, known, unknown].map(\.hash.hex))
        #expect(answers.map(\.isKnown) == [false, true, true, false])
        #expect(rows[0]["verdict"] as? String == "INSUFFICIENT")
        #expect(rows[0]["ci95_low"] as? Double == 0 && rows[0]["ci95_high"] as? Double == 1)
        #expect(rows[0]["advisory_level"] as? String == "yellow" && rows[0]["risk_score"] as? Double == 0.15)
        let profile = try #require(rows[0]["riskProfile"] as? [String: Any])
        #expect(profile["name"] as? String == "unrated")
        #expect(snapshot.profile(unknown, now: now) == nil && snapshot.agent(unknown, now: now) == nil)
    }

    @Test("counts add up to the graph")
    func stats() async throws {
        let stats = try await OracleDatabase.snapshot().stats()
        #expect(stats.agentsAll == 96 && stats.totalChannels == 2623)
        #expect(abs(stats.networkCapacityBtc - 2253.14) < 0.01)
        #expect(stats.verifiedReachable > 80 && stats.probes24h == 0)
        let phantom = try #require(stats.phantomRate)
        #expect(phantom == Int((100 * Double(96 - stats.verifiedReachable) / 96).rounded()))
    }

    @Test("a snapshot of nothing answers too")
    func empty() throws {
        let snapshot = ScoreSnapshot()
        #expect(!snapshot.isLoaded)
        #expect(snapshot.stats().phantomRate == nil)
        #expect(snapshot.top(limit: 10, offset: 0, now: now).meta.total == 0)
        #expect(snapshot.verdict(try identifier(acinq), now: now).isKnown == false)
        let health = snapshot.health(now: now)
        #expect(health.scoringAge == nil && !health.isScoringStale && health.snapshotAge == nil)
    }
}
