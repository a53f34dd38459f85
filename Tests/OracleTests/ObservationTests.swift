// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Evidence
import Foundation
import Oracle
import Postgres
import PostgresTestSupport
import Testing
import TrustScore

@Suite("Observations and calibration")
struct ObservationTests {
    private let now = Int64(Date().timeIntervalSince1970)

    private func outcome(_ hash: [UInt8], _ success: Bool, age: Int64, source: EvidenceSource = .probe) -> Outcome {
        Outcome(
            target: .node(hash),
            source: source,
            stage: nil,
            success: success,
            weight: 3,
            label: "htlc",
            observedAt: now - age
        )
    }

    /// The hashes of all nodes, best connected first.
    private func hashes(_ client: PostgresClient) async throws -> [[UInt8]] {
        let statement = Statement("test.hashes", "SELECT hash FROM nodes ORDER BY capacity_sats DESC, hash")
        return try await client.query(statement).map { try $0.bytea(0) }
    }

    @Test("a group's record is the prior of its untried members, and own outcomes outweigh it")
    func priors() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            let hashes = try await hashes(client)
            let store = EvidenceStore(client)
            // All but the largest node work.
            try await store.record(
                hashes.dropFirst().flatMap { [outcome($0, true, age: 90_000), outcome($0, true, age: 10)] }
            )
            _ = try await NodePriors(client).update()
            try await oracle.reload()
            let untried = try #require(NodeIdentifier(Hex.text(hashes[0])))
            let block = try #require(oracle.snapshot.agent(untried, now: Date())).bayesian
            #expect(block.prior.level == "capacity_age" && block.p_success > 0.9 && block.n_obs == 0)
            #expect(block.verdict == "INSUFFICIENT" && block.verdict_compat == "INSUFFICIENT")
            #expect(block.recent_activity.last_30d == 0)
            let tried = try #require(NodeIdentifier(Hex.text(hashes[1])))
            let other = try #require(oracle.snapshot.agent(tried, now: Date())).bayesian
            #expect(other.recent_activity.last_24h == 1 && other.recent_activity.last_7d == 2 && other.n_obs > 5)
            try await store.record((0..<8).map { outcome(hashes[0], false, age: Int64($0) * 22_000, source: .paid) })
            try await oracle.reload()
            let failed = try #require(oracle.snapshot.agent(untried, now: Date())).bayesian
            #expect(failed.p_success < block.p_success - 0.2 && failed.sources.paid?.n_obs ?? 0 > 10)
        }
    }

    @Test("a node whose success rate fell is flagged, advised against and shown as falling")
    func decline() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            let hash = try await hashes(client)[0]
            let store = EvidenceStore(client)
            try await store.record((0..<10).map { outcome(hash, true, age: 8 * 86_400 + Int64($0) * 22_000) })
            _ = try await ScoreSnapshots(client).take(now: now - 8 * 86_400)
            try await store.record((0..<10).map { outcome(hash, false, age: Int64($0) * 22_000) })
            try await oracle.reload()
            let node = try #require(NodeIdentifier(Hex.text(hash)))
            let verdict = try json(oracle.snapshot.verdicts([node], now: Date())[0])
            #expect((verdict["flags"] as? [String])?.contains("rapid_decline") == true)
            #expect(verdict["reachability"] as? Double == 0)
            #expect(verdict["risk_profile"] as? String == "high")
            let profile = try json(try #require(oracle.snapshot.profile(node, now: Date())))
            let survival = try #require(profile["survival"] as? [String: Any])
            let signals = try #require(survival["signals"] as? [String: String])
            #expect(signals["scoreTrajectory"] == "falling" && signals["probeStability"] == "unstable")
            #expect(profile["probeUptime"] as? Double == 0)
        }
    }

    @Test("calibration is empty before there are outcomes, and speaks of chance when there are")
    func calibration() async throws {
        try await OracleDatabase.with { client, oracle in
            try await OracleDatabase.score(client)
            try await oracle.reload()
            #expect(try json(oracle.calibration.answer)["status"] as? String == "no_outcomes")
            #expect(oracle.calibration.groups == ["overall"] && oracle.calibration.figures(of: "overall") == nil)
            let hashes = try await hashes(client)
            try await EvidenceStore(client).record(hashes.enumerated().map { outcome($1, $0 % 2 == 0, age: 60) })
            try await Calibrator(client).run()
            try await oracle.reload()
            let answer = try json(oracle.calibration.answer)
            #expect(answer["status"] as? String == "ok" && answer["n_outcomes"] as? Int == hashes.count)
            let overall = try #require(answer["overall"] as? [String: Any])
            #expect((overall["brier"] as? [String: Double])?["value"] == 0.25)
            #expect((answer["reading"] as? String)?.contains("no larger than chance") == true)
            #expect(oracle.calibration.groups == ["overall", "node/probe"])
            #expect((answer["history"] as? [Any])?.count == 1)
        }
    }
}

/// Bytes as hexadecimal digits.
private enum Hex {
    static func text(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }
}
