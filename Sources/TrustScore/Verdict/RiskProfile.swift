// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A risk level as the API names it.
public enum RiskLevel: String, Sendable, Hashable, Codable {
    case low, medium, high, unknown

    /// Outcomes of a span of whole UTC days.
    public struct Window: Sendable, Hashable {
        public let successes: Double
        public let total: Double

        public init(successes: Double, total: Double) {
            self.successes = successes
            self.total = total
        }
    }

    /// The level that a trend suggests: the last 7 UTC days against the 23 before them.
    public init(recent: Window, earlier: Window) {
        guard recent.total + earlier.total >= 5, recent.total > 0, earlier.total > 0 else {
            self = .unknown
            return
        }
        switch recent.successes / recent.total - earlier.successes / earlier.total {
        case ..<(-0.25): self = .high
        case ..<(-0.10): self = .medium
        default: self = .low
        }
    }
}

/// What kind of node one looks at, in a word.
public enum RiskProfile: String, Sendable, Hashable, CaseIterable, Codable {
    case suspiciousRapidRise = "suspicious_rapid_rise"
    case newUnproven = "new_unproven"
    case decliningNode = "declining_node"
    case establishedHub = "established_hub"
    case smallReliable = "small_reliable"
    case growingNode = "growing_node"
    case unrated

    /// What the profile is decided by.
    public struct Facts: Sendable, Hashable {
        /// The compatible score, 0 to 100.
        public var score: Double
        public var ageDays: Double
        public var channels: Int
        /// The compatible component, 0 to 100.
        public var regularity: Int
        /// Change of the success probability over 7 days; `nil` without history.
        public var change7d: Double?

        public init(score: Double, ageDays: Double, channels: Int, regularity: Int, change7d: Double? = nil) {
            self.score = score
            self.ageDays = ageDays
            self.channels = channels
            self.regularity = regularity
            self.change7d = change7d
        }
    }

    /// The first profile that fits, and its level.
    public static func of(_ facts: Facts) -> (profile: RiskProfile, level: RiskLevel) {
        let change = facts.change7d ?? 0
        if change > 0.26, facts.ageDays < 60 { return (.suspiciousRapidRise, .high) }
        if facts.ageDays < 30, facts.channels < 5 { return (.newUnproven, .high) }
        if change < -0.13 { return (.decliningNode, .high) }
        if facts.score >= 70, facts.ageDays > 365, facts.channels > 200 { return (.establishedHub, .low) }
        if (40...70).contains(facts.score), facts.ageDays > 365, facts.regularity > 60 { return (.smallReliable, .low) }
        if change > 0.09, facts.ageDays < 180 { return (.growingNode, .medium) }
        return (.unrated, facts.score >= 40 ? .medium : .unknown)
    }

    /// One sentence for a person.
    public var explanation: String {
        switch self {
        case .suspiciousRapidRise: "A young node whose success rate rose unusually fast."
        case .newUnproven: "A young node with few channels."
        case .decliningNode: "The success rate fell clearly within 7 days."
        case .establishedHub: "An old, large and well connected node."
        case .smallReliable: "An old node of ordinary size that is there when it is needed."
        case .growingNode: "A young node on its way up."
        case .unrated: "Nothing stands out, or too little is known."
        }
    }
}
