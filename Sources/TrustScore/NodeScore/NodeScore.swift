// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Our score of a Lightning node, 0 to 100: how well it can be paid, and how well it is woven into the honest network.
///
/// A model of the public graph plus what was observed of the node; every component is shown with its weight. A
/// component without evidence is absent, and the others share its weight.
public struct NodeScore: Sendable, Hashable {
    /// What the score is made of.
    public enum Component: String, Sendable, Hashable, CaseIterable, Codable {
        /// Probability that the best path carries 100,000 sat.
        case reach100k = "reach_100k"
        /// Probability that the best path carries 1,000,000 sat.
        case reach1M = "reach_1m"
        /// Percentile of the seeded PageRank.
        case rank = "pagerank"
        /// What could flow from the seeds at once.
        case flow
        /// Share of the capacity whose own direction is enabled.
        case uptime
        /// Age of the oldest live channel.
        case age
        /// How seldom the node changes its fees.
        case policyStability = "policy_stability"
        /// Mean success probability of payments and HTLC probes.
        case payments

        /// The weight when all components are there; they add to 1.10.
        public var weight: Double {
            switch self {
            case .reach100k: 0.30
            case .reach1M: 0.10
            case .rank: 0.15
            case .flow: 0.15
            case .uptime: 0.10
            case .age: 0.10
            case .policyStability: 0.05
            case .payments: 0.15
            }
        }
    }

    /// One component of one node.
    public struct Measurement: Sendable, Hashable {
        /// 0 to 1.
        public let value: Double
        /// Observations behind it, or `nil` when it is computed from the whole graph and has no sampling error.
        public let observations: Double?

        public init(value: Double, observations: Double? = nil) {
            self.value = min(1, max(0, value))
            self.observations = observations
        }

        /// The value pulled to the population's median: by n/(n + 20) it speaks for itself.
        func shrunk(to median: Double) -> Double {
            guard let observations else { return value }
            return median + (value - median) * observations / (observations + 20)
        }
    }

    /// 0 to 100, two decimals.
    public let score: Double
    /// The components that have evidence, each as it entered the score.
    public let values: [Component: Double]

    /// The score of a node, or `nil` when no component has evidence.
    ///
    /// - Parameter medians: the median of each component over the population; 0.5 where absent.
    public init?(_ measurements: [Component: Measurement], medians: [Component: Double]) {
        guard !measurements.isEmpty else { return nil }
        var values: [Component: Double] = [:]
        var (sum, total) = (0.0, 0.0)
        for component in Component.allCases {
            guard let measurement = measurements[component] else { continue }
            let value = measurement.shrunk(to: medians[component] ?? 0.5)
            values[component] = value
            sum += component.weight * value
            total += component.weight
        }
        self.values = values
        score = roundHalfUp(100 * sum / total, decimals: 2)
    }

    /// The flow component: log(1 + F / 10^6) / log(1 + 10^3), F in sat.
    public static func flow(sat: Int64) -> Double { min(1, log1p(Double(max(0, sat)) / 1e6) / log1p(1e3)) }

    /// The age component: 1 - e^(-days/365).
    public static func age(days: Double) -> Double { 1 - exp(-max(0, days) / 365) }

    /// The stability component: five changes per channel and week are as bad as it gets.
    public static func policyStability(changesPerChannelAndWeek: Double) -> Double {
        max(0, 1 - changesPerChannelAndWeek / 5)
    }
}

/// The median of some values, or `nil` without any; of an even number the mean of the middle two.
public func median(_ values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
