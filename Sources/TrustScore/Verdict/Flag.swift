// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Plain warnings about a target, by the names of the API.
public enum Flag: String, Sendable, Hashable, CaseIterable, Codable {
    /// First seen less than 30 days ago.
    case newAgent = "new_agent"
    /// Fewer than 10 channels.
    case lowVolume = "low_volume"
    /// The success probability fell by more than 0.10 in 7 days.
    case rapidDecline = "rapid_decline"
    /// It rose by more than 0.15.
    case rapidRise = "rapid_rise"
    case negativeReputation = "negative_reputation"
    case noReputationData = "no_reputation_data"
    case highDemand = "high_demand"
    /// No announcement for more than 7 days.
    case staleGossip = "stale_gossip"
    /// No announcement for more than 14 days.
    case zombieGossip = "zombie_gossip"
    case fraudReported = "fraud_reported"
    case disputeReported = "dispute_reported"
    /// The last check, less than 24 hours ago, found no way to pay 1000 sat.
    case unreachable
    case unreachableFromCaller = "unreachable_from_caller"
    /// Capacity fell by 30 % or more within 24 hours.
    case capacityDrain = "capacity_drain"
    /// Capacity fell by 50 % or more within 24 hours.
    case severeCapacityDrain = "severe_capacity_drain"

    /// Whether the flag alone makes an advisory serious.
    public var isCritical: Bool {
        switch self {
        case .fraudReported, .negativeReputation, .disputeReported, .unreachable: true
        case .newAgent, .lowVolume, .rapidDecline, .rapidRise, .noReputationData, .highDemand, .staleGossip,
            .zombieGossip,
            .unreachableFromCaller, .capacityDrain, .severeCapacityDrain:
            false
        }
    }

    /// What flags are decided by; `nil` where nothing is known, which raises no flag.
    public struct Facts: Sendable, Hashable {
        public var ageDays: Double?
        public var channels: Int?
        /// Change of the success probability over 7 days.
        public var change7d: Double?
        public var gossipAgeDays: Double?
        /// Whether the last check of 1000 sat, less than 24 hours old, found a way.
        public var isReachable: Bool?
        /// Relative change of capacity over 24 hours.
        public var capacityChange24h: Double?

        public init() {}
    }

    /// The flags that the facts raise, in the order of the API.
    public static func all(for facts: Facts) -> [Flag] {
        var flags: [Flag] = []
        if let days = facts.ageDays, days < 30 { flags.append(.newAgent) }
        if let channels = facts.channels, channels < 10 { flags.append(.lowVolume) }
        if let change = facts.change7d, change < -0.10 { flags.append(.rapidDecline) }
        if let change = facts.change7d, change > 0.15 { flags.append(.rapidRise) }
        if let days = facts.gossipAgeDays, days > 14 {
            flags.append(.zombieGossip)
        } else if let days = facts.gossipAgeDays, days > 7 {
            flags.append(.staleGossip)
        }
        if facts.isReachable == false { flags.append(.unreachable) }
        if let change = facts.capacityChange24h, change <= -0.50 {
            flags.append(.severeCapacityDrain)
        } else if let change = facts.capacityChange24h, change <= -0.30 {
            flags.append(.capacityDrain)
        }
        return flags
    }
}
