// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How likely a node is to be there next week, as SatRank reckons it.
public struct Survival: Sendable, Hashable {
    public enum Prediction: String, Sendable, Hashable, Codable {
        case stable
        case atRisk = "at_risk"
        case likelyDead = "likely_dead"
    }

    /// 0 to 100.
    public let score: Int
    public let prediction: Prediction

    /// Subtracts from 100 what speaks against the node; what is unknown subtracts nothing.
    ///
    /// - Parameters:
    ///   - probabilityNow: mean success probability now, and 7 days ago.
    ///   - uptime7d: share of reachable checks over 7 days.
    ///   - gossipAgeDays: days since the last announcement.
    public init(probabilityNow: Double?, probability7dAgo: Double?, uptime7d: Double?, gossipAgeDays: Double?) {
        var score = 100
        if let probabilityNow, let probability7dAgo {
            let slope = (probabilityNow - probability7dAgo) / 7
            score -= slope < -0.02 ? 40 : slope < -0.01 ? 20 : 0
        }
        if let uptime7d { score -= uptime7d == 0 ? 40 : uptime7d < 0.5 ? 30 : uptime7d < 0.8 ? 15 : 0 }
        if let gossipAgeDays { score -= gossipAgeDays > 14 ? 20 : gossipAgeDays > 7 ? 10 : 0 }
        self.score = max(0, score)
        prediction = score > 70 ? .stable : score > 40 ? .atRisk : .likelyDead
    }
}
