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
    }

    /// Mean of the group, pulled a little to 0.5 by three pseudo-observations.
    public let mean: Double
    /// How many observations of its own a member needs to outweigh the group: 2 to 50.
    public let strength: Double

    /// The prior as a distribution.
    public var distribution: BetaDistribution {
        BetaDistribution(alpha: mean * strength, beta: (1 - mean) * strength)
    }

    /// Learns from a group, without the target itself.
    ///
    /// - Returns: `nil` when the group is too small to teach anything: fewer than 5 members with outcomes, or fewer than
    ///   20 outcomes in all. The caller then asks the parent group.
    public init?(_ members: [Member]) {
        let counted = members.filter { $0.total > 0 }
        guard counted.count >= 5, counted.reduce(0, { $0 + $1.total }) >= 20 else { return nil }
        self.init(estimating: counted)
    }

    /// The moment estimator of the intra-class correlation, clamped from 1/51 to 1/3.
    private init(estimating members: [Member]) {
        let total = members.reduce(0) { $0 + $1.total }
        let mean = (members.reduce(0) { $0 + $1.successes } + 1.5) / (total + 3)
        var scatter = 0.0
        var expected = 0.0
        var scale = 0.0
        for member in members {
            let deviation = member.successes / member.total - mean
            let rest = 1 - member.total / total
            scatter += member.total * deviation * deviation
            expected += rest
            scale += (member.total - 1) * rest
        }
        let raw = scale > 0 ? (scatter / (mean * (1 - mean)) - expected) / scale : 0
        let correlation = min(1.0 / 3, max(1.0 / 51, raw))
        self.mean = mean
        strength = (1 - correlation) / correlation
    }
}
