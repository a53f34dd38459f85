// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Finds the belief about a target before any outcome of its own: from the smallest group of like targets that has seen
/// enough.
///
/// The target's own outcomes never speak twice: its groups are judged without it.
public struct PriorChain: Sendable {
    /// Which group taught a prior.
    public enum Level: String, Sendable, Hashable, CaseIterable {
        /// Services of the same operator.
        case operatorGroup = "operator"
        /// Services of the same category.
        case category
        /// All services, at this stage of a call.
        case stage
        /// Nodes of like capacity and age.
        case capacityAge = "capacity_age"
        /// All nodes.
        case node
        /// A rating of a directory: not evidence, but better than nothing.
        case upstream
        case flat
    }

    /// A group that a target belongs to.
    public struct Group: Sendable, Hashable {
        public let level: Level
        public let name: String
        /// The greatest strength of what it teaches: 10 for operators that only say themselves what is theirs.
        public let limit: Double

        public init(_ level: Level, _ name: String, limit: Double = .infinity) {
            self.level = level
            self.name = name
            self.limit = limit
        }
    }

    /// A target with its groups, the smallest first.
    public struct Target: Sendable {
        public let groups: [Group]
        /// Its own decayed outcomes.
        public let own: GroupPrior.Member
        /// What a directory says of it, 0 to 1: counts as three observations when no group has anything to say.
        public let upstream: Double?

        public init(groups: [Group], own: GroupPrior.Member, upstream: Double? = nil) {
            self.groups = groups
            self.own = own
            self.upstream = upstream
        }
    }

    /// A belief and where it comes from.
    public struct Prior: Sendable, Hashable {
        public let distribution: BetaDistribution
        public let level: Level

        public init(_ distribution: BetaDistribution, level: Level) {
            self.distribution = distribution
            self.level = level
        }

        public static let flat = Prior(Posterior.flatPrior, level: .flat)
    }

    private struct Key: Hashable {
        let level: Level
        let name: String
    }

    private var totals: [Key: GroupTotals] = [:]

    /// Adds up the groups of all targets.
    public init(_ targets: some Sequence<Target>) {
        for target in targets where target.own.total > 0 {
            for group in target.groups {
                totals[Key(level: group.level, name: group.name), default: GroupTotals()].add(target.own)
            }
        }
    }

    /// The belief about a target, which must be one of those the chain was made from.
    public func prior(for target: Target) -> Prior {
        for group in target.groups {
            let totals = totals[Key(level: group.level, name: group.name)]
            let own = target.own.total > 0 ? target.own : nil
            guard let prior = totals?.prior(excluding: own) else { continue }
            return blend(Prior(prior.limited(to: group.limit).distribution, level: group.level), target.upstream)
        }
        return blend(.flat, target.upstream)
    }

    /// Folds a directory's rating in as three observations at its mean, kept from 0.05 to 0.95.
    private func blend(_ prior: Prior, _ upstream: Double?) -> Prior {
        guard let upstream, upstream.isFinite else { return prior }
        let mean = min(0.95, max(0.05, upstream))
        let rated = BetaDistribution(
            alpha: (prior.level == .flat ? 0 : prior.distribution.alpha) + 3 * mean,
            beta: (prior.level == .flat ? 0 : prior.distribution.beta) + 3 * (1 - mean)
        )
        return Prior(rated, level: prior.level == .flat ? .upstream : prior.level)
    }
}
