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
        /// The greatest strength of what it teaches: 10 where members only say themselves that they belong to it.
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
        /// Who answers for it.
        ///
        /// Targets of one owner are one member of a group of strangers, and teach nothing there about
        /// each other: listing a hundred services of one's own moves no prior of theirs and hardly one of others. `nil`
        /// makes the target a member by itself.
        public let owner: String?

        public init(groups: [Group], own: GroupPrior.Member, upstream: Double? = nil, owner: String? = nil) {
            self.groups = groups
            self.own = own
            self.upstream = upstream
            self.owner = owner
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

    private struct OwnerKey: Hashable {
        let group: Key
        let owner: String
    }

    /// The most weight of outcomes that one owner brings into a group of strangers.
    static let ownerLimit = 20.0

    private var totals: [Key: GroupTotals] = [:]
    /// What owners bring in with all their targets.
    private var owners: [OwnerKey: GroupPrior.Member] = [:]

    /// Adds up the groups of all targets.
    public init(_ targets: some Sequence<Target>) {
        for target in targets where target.own.total > 0 {
            for group in target.groups {
                let key = Key(level: group.level, name: group.name)
                if let owner = Self.owner(of: target, in: group) {
                    let known = owners[OwnerKey(group: key, owner: owner)]
                    owners[OwnerKey(group: key, owner: owner)] = GroupPrior.Member(
                        successes: target.own.successes + (known?.successes ?? 0),
                        total: target.own.total + (known?.total ?? 0)
                    )
                } else {
                    totals[key, default: GroupTotals()].add(target.own)
                }
            }
        }
        owners = owners.mapValues { $0.limited(to: Self.ownerLimit) }
        for (key, member) in owners { totals[key.group, default: GroupTotals()].add(member) }
    }

    /// An operator's own group is about what is theirs.
    private static func owner(of target: Target, in group: Group) -> String? {
        group.level == .operatorGroup ? nil : target.owner
    }

    /// What the target itself, or its owner, has brought into a group.
    private func share(of target: Target, in group: Group) -> GroupPrior.Member? {
        guard let owner = Self.owner(of: target, in: group) else { return target.own.total > 0 ? target.own : nil }
        return owners[OwnerKey(group: Key(level: group.level, name: group.name), owner: owner)]
    }

    /// The belief about a target, which must be one of those the chain was made from.
    public func prior(for target: Target) -> Prior {
        for group in target.groups {
            let totals = totals[Key(level: group.level, name: group.name)]
            guard let prior = totals?.prior(excluding: share(of: target, in: group)) else { continue }
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
