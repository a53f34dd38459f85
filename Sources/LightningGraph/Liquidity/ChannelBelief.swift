// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What attempts have shown about one channel: bounds on the balance of `node1`.
///
/// Both directions speak of the same money: what `node2` could send, `node1` cannot have. Bounds are kept as of the
/// moment of the first one, with the sum of what own settled payments have moved since, so that the bounds stay exact
/// however often the channel is used: the balance now is the balance then minus ``moved``. All amounts in msat.
public struct ChannelBelief: Sendable, Hashable, Codable {
    /// A bound, when it was seen, and how likely it is a fact about money rather than about a node out of order.
    public struct Bound: Sendable, Hashable, Codable {
        public var amount: Double
        public var time: Double
        /// 0 to 1.
        public var weight: Double
    }

    /// At least this much was there.
    public private(set) var atLeast: Bound?
    /// At most this much was there.
    public private(set) var atMost: Bound?
    /// What own payments have moved from `node1` to `node2` since.
    public private(set) var moved = 0.0

    public init() {}

    /// One hop of an attempt.
    struct Attempt {
        let amount: Double
        /// Whether `node2` was to send.
        let isReversed: Bool
        let capacity: Double
        let time: Double
        /// Seconds after which a bound has faded to 1/e.
        let memory: Double
    }

    /// Notes that a direction carried an amount.
    ///
    /// - Parameter settled: whether the money stayed on the other side.
    mutating func noteCarried(_ attempt: Attempt, settled: Bool) {
        if attempt.isReversed {
            lower(to: attempt.capacity - attempt.amount, weight: 1, attempt)
        } else {
            raise(to: attempt.amount, weight: 1, attempt)
        }
        if settled { moved += attempt.isReversed ? -attempt.amount : attempt.amount }
    }

    /// Notes that a direction refused an amount.
    ///
    /// - Parameter weight: the probability that too little money was the reason.
    mutating func noteRefused(_ attempt: Attempt, weight: Double) {
        if attempt.isReversed {
            raise(to: attempt.capacity - attempt.amount, weight: weight, attempt)
        } else {
            lower(to: attempt.amount, weight: weight, attempt)
        }
    }

    /// Learns that the balance is now at least an amount.
    private mutating func raise(to amount: Double, weight: Double, _ attempt: Attempt) {
        let bound = Bound(amount: amount + moved, time: attempt.time, weight: weight)
        if let other = atMost, bound.amount >= other.amount {
            // They cannot both hold. A doubtful refusal does not unseat what is better known.
            guard weight >= Self.remaining(other, attempt) else { return }
            self = ChannelBelief()
            atLeast = Bound(amount: amount, time: attempt.time, weight: weight)
        } else if let old = atLeast, old.amount > bound.amount {
            // A weaker statement replaces a stronger one only when that has faded.
            if Self.remaining(old, attempt) < 0.5 * weight { atLeast = bound }
        } else if let old = atLeast, weight < 0.5 * Self.remaining(old, attempt) {
            return
        } else {
            atLeast = bound
        }
    }

    /// Learns that the balance is now at most an amount.
    private mutating func lower(to amount: Double, weight: Double, _ attempt: Attempt) {
        let bound = Bound(amount: amount + moved, time: attempt.time, weight: weight)
        if let other = atLeast, bound.amount <= other.amount {
            guard weight >= Self.remaining(other, attempt) else { return }
            self = ChannelBelief()
            atMost = Bound(amount: amount, time: attempt.time, weight: weight)
        } else if let old = atMost, old.amount < bound.amount {
            if Self.remaining(old, attempt) < 0.5 * weight { atMost = bound }
        } else if let old = atMost, weight < 0.5 * Self.remaining(old, attempt) {
            return
        } else {
            atMost = bound
        }
    }

    private static func remaining(_ bound: Bound, _ attempt: Attempt) -> Double {
        bound.weight * exp(-max(0, attempt.time - bound.time) / attempt.memory)
    }
}
