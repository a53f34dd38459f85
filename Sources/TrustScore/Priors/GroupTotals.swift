// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The sums a group's prior follows from, so that one member can be taken out without looking at the others.
///
/// Gives the same as ``GroupPrior/init(_:)`` over the members, in constant time per target.
public struct GroupTotals: Sendable, Hashable {
    private var members = 0
    /// Sums over members of n, s, n² and s²/n.
    private var total = 0.0
    private var successes = 0.0
    private var squaredTotal = 0.0
    private var scatter = 0.0

    public init() {}

    public init(_ members: some Sequence<GroupPrior.Member>) {
        for member in members { add(member) }
    }

    public mutating func add(_ member: GroupPrior.Member) { change(member, by: 1) }

    private mutating func change(_ member: GroupPrior.Member, by sign: Double) {
        guard member.total > 0 else { return }
        members += Int(sign)
        total += sign * member.total
        successes += sign * member.successes
        squaredTotal += sign * member.total * member.total
        scatter += sign * member.successes * member.successes / member.total
    }

    /// What the group teaches about a target that is not in it, or about a member when its own outcomes are left out.
    ///
    /// - Returns: `nil` when fewer than 5 others have outcomes, or they have fewer than 20 in all.
    public func prior(excluding member: GroupPrior.Member? = nil) -> GroupPrior? {
        var rest = self
        if let member { rest.change(member, by: -1) }
        return rest.estimate
    }

    private var estimate: GroupPrior? {
        guard members >= GroupPrior.fewestMembers, total >= GroupPrior.fewestOutcomes else { return nil }
        let mean = (successes + 1.5) / (total + 3)
        let deviation = max(0, scatter - 2 * mean * successes + mean * mean * total)
        let expected = Double(members) - 1
        let scale = total - squaredTotal / total - Double(members) + 1
        return GroupPrior(mean: mean, deviation: deviation, expected: expected, scale: scale)
    }
}
