// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A prior learnt from a group of like targets (empirical Bayes).
///
/// The more alike the members turn out to be, the more a newcomer is expected to be like them.
public struct GroupPrior: Sendable, Hashable {
    /// One member's decayed outcomes.
    public struct Member: Sendable, Hashable {
        /// Weight of successes, at most `total`.
        public let successes: Double
        /// Weight of all outcomes.
        public let total: Double

        public init(successes: Double, total: Double) {
            self.successes = successes
            self.total = total
        }

        /// The same share of successes with less weight.
        func limited(to limit: Double) -> Member {
            total > limit ? Member(successes: successes * limit / total, total: limit) : self
        }
    }

    /// Mean of the group, pulled a little to 0.5 by three pseudo-observations.
    public let mean: Double
    /// How many observations of its own a member needs to outweigh the group: 2 to 50.
    public let strength: Double

    /// The prior as a distribution.
    public var distribution: BetaDistribution {
        BetaDistribution(alpha: mean * strength, beta: (1 - mean) * strength)
    }

    /// Groups with fewer members or outcomes teach nothing.
    static let fewestMembers = 5
    static let fewestOutcomes = 20.0

    /// Learns from a group, without the target itself.
    ///
    /// - Returns: `nil` when the group is too small to teach anything: fewer than 5 members with outcomes, or fewer than
    ///   20 outcomes in all. The caller then asks the parent group.
    public init?(_ members: [Member]) {
        guard let prior = GroupTotals(members).prior() else { return nil }
        self = prior
    }

    /// The moment estimator of the intra-class correlation, clamped from 1/51 to 1/3.
    ///
    /// - Parameters:
    ///   - deviation: sum of n (s/n - mean)².
    ///   - expected: sum of 1 - n/N.
    ///   - scale: sum of (n - 1)(1 - n/N).
    init(mean: Double, deviation: Double, expected: Double, scale: Double) {
        let raw = scale > 0 ? (deviation / (mean * (1 - mean)) - expected) / scale : 0
        let correlation = min(1.0 / 3, max(1.0 / 51, raw))
        self.init(mean: mean, strength: (1 - correlation) / correlation)
    }

    init(mean: Double, strength: Double) {
        self.mean = mean
        self.strength = strength
    }

    /// The same belief, held less firmly.
    ///
    /// - Parameter limit: the strength of what a group may teach that was put together by its own members.
    public func limited(to limit: Double) -> GroupPrior { GroupPrior(mean: mean, strength: min(limit, strength)) }
}
