// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// SatRank's five-component score of a Lightning node, 0 to 100, computed as SatRank computes it.
///
/// Shown beside our own score for comparison; its weaknesses are known and kept (a node without any data scores 30).
public struct CompatibleNodeScore: Sendable, Hashable {
    /// A mean and its spread over the checks of 7 days.
    public struct Spread: Sendable, Hashable {
        public let mean: Double
        public let deviation: Double

        public init(mean: Double, deviation: Double) {
            self.mean = mean
            self.deviation = deviation
        }
    }

    /// Whether the last check of the base tier (1000 sat), less than 24 hours old, found a way.
    public enum BaseTier: Sendable, Hashable { case notTested, reachable, unreachable }

    /// What the score is computed from.
    public struct Facts: Sendable, Hashable {
        public var channels = 0
        public var capacitySat: Int64 = 0
        public var peers = 0
        /// Days since the node was first seen.
        public var ageDays = 0.0
        /// Days since its last announcement.
        public var gossipAgeDays = 0.0
        public var disabledChannels = 0
        /// PageRank percentile; 0 counts as absent.
        public var pageRankPercentile = 0
        public var capacity7dAgoSat: Int64?
        public var feeChanges7d = 0
        /// Channels with fee history; 0 is no data.
        public var feeChannels7d = 0
        /// Checks of the last 7 days.
        public var probes = 0
        /// Share of them that found a way.
        public var uptime7d = 0.0
        /// Latency in milliseconds, from 3 checks on.
        public var latency: Spread?
        /// Hops, from 3 checks on.
        public var hops: Spread?
        public var baseTier = BaseTier.notTested
        /// Success share by amount in sat: 1000, 10,000 and 100,000 count.
        public var tierSuccess: [Int64: Double] = [:]
        public var verifiedTransactions = 0

        public init() {}
    }

    /// The parts, 0 to 100 each, as SatRank rounds them.
    public struct Components: Sendable, Hashable, Codable {
        public let volume: Int
        public let reputation: Int
        public let seniority: Int
        public let regularity: Int
        public let diversity: Int
    }

    public let components: Components
    /// The weighted sum before the modifiers.
    public let base: Double
    /// 0.65 to 1.
    public let probeFactor: Double
    /// The score: 0 to 100, two decimals.
    public let score: Double

    public init(_ facts: Facts) {
        components = Components(
            volume: Self.rounded(Self.volume(facts)),
            reputation: Self.rounded(Reputation(facts).value),
            seniority: Self.rounded(100 * (1 - exp(-max(0, facts.ageDays) / 730))),
            regularity: Self.rounded(Self.regularity(facts)),
            diversity: Self.rounded(Self.diversity(facts))
        )
        base =
            0.25 * Double(components.volume) + 0.30 * Double(components.reputation)
            + 0.15 * Double(components.seniority) + 0.15 * Double(components.regularity)
            + 0.15 * Double(components.diversity)
        probeFactor = Self.probeFactor(facts)
        let verified = min(1.10, 1 + 0.003 * Double(facts.verifiedTransactions))
        score = roundHalfUp(min(100, max(0, base * verified * probeFactor)), decimals: 2)
    }

    private static func rounded(_ value: Double) -> Int { Int(roundHalfUp(value)) }

    private static func volume(_ facts: Facts) -> Double {
        guard facts.channels > 0 else { return 0 }
        let bitcoin = Double(facts.capacitySat) / 1e8
        return 0.5 * logarithmic(Double(facts.channels), full: 500) + 0.5 * logarithmic(bitcoin, full: 50)
    }

    private static func diversity(_ facts: Facts) -> Double {
        guard facts.peers == 0 else { return logarithmic(Double(facts.peers), full: 500) }
        let bitcoin = Double(facts.capacitySat) / 1e8
        return min(100, 100 * log10(10 * bitcoin + 1) / log10(1001))
    }

    private static func regularity(_ facts: Facts) -> Double {
        guard facts.probes >= 3 else { return 100 * exp(-max(0, facts.gossipAgeDays) / 90) }
        let latency = facts.latency.map { exp(-$0.deviation / $0.mean) } ?? 0.5
        let hops = facts.hops.map { 1 - min(1, $0.deviation / 3) } ?? 0.5
        return 70 * facts.uptime7d + 20 * latency + 10 * hops
    }

    private static func probeFactor(_ facts: Facts) -> Double {
        switch facts.baseTier {
        case .notTested:
            return 1
        case .unreachable:
            let disabled = facts.channels > 0 ? Double(facts.disabledChannels) / Double(facts.channels) : 0
            if disabled >= 0.8 { return 0.65 }
            if facts.gossipAgeDays > 30 { return 0.70 }
            return facts.gossipAgeDays > 7 || disabled >= 0.3 ? 0.80 : 0.90
        case .reachable:
            let weights: [(sat: Int64, weight: Double)] = [(1000, 0.4), (10_000, 0.3), (100_000, 0.2)]
            var (sum, total) = (0.0, 0.0)
            for (sat, weight) in weights {
                guard let rate = facts.tierSuccess[sat] else { continue }
                sum += rate * weight
                total += weight
            }
            return total > 0 ? max(0.65, sum / total) : 1
        }
    }

    /// 100 ln(value + 1) / ln(full + 1), at most 100.
    private static func logarithmic(_ value: Double, full: Double) -> Double {
        min(100, 100 * log(value + 1) / log(full + 1))
    }
}
