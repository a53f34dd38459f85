// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What attempts have shown about one node: whether it answers, and at which end of its channels the money lies.
///
/// A node is one of 32 kinds, each going up and down at random with its own share of time up and its own pace. The kinds'
/// weights are the node's own evidence times what is known of nodes like it, so that a node never seen is judged by
/// its likes, and one seen often by itself.
public struct NodeBelief: Sendable, Hashable, Codable {
    private static let shares = [0.999, 0.99, 0.96, 0.88, 0.7, 0.45, 0.2, 0.02]
    /// Seconds after which a kind has forgotten whether it was up: at once, 3 hours, a day, 10 days.
    private static let paces = (1.0, 3 * 3600.0, 86_400.0, 864_000.0)
    /// Share of time up, by kind.
    static let up = KindLanes(shares: shares)
    /// How common the shares are thought to be, before anything was seen, among sound nodes and among doubtful ones.
    private static let sound = [0.55, 0.3, 0.1, 0.03, 0.01, 0.005, 0.003, 0.002]
    private static let doubtful = [0.08, 0.08, 0.1, 0.14, 0.15, 0.15, 0.15, 0.15]

    /// How common the kinds are thought to be in a group before anything was seen.
    static let priors: [KindLanes] = (0..<NodeGroup.count).map { group in
        let doubt = NodeGroup.doubt(group)
        return KindLanes(shares: zip(sound, doubtful).map { ($0 * (1 - doubt) + $1 * doubt) / 4 })
    }

    /// Deviation of ``lean`` among nodes.
    static let leanDeviation = 0.7
    /// Seconds after which what was learnt about a node has lost all but 1/e of its weight.
    static let memory = 30 * 86_400.0

    /// ln of the likelihood of what was seen, by kind.
    private var evidence = KindLanes.zero
    /// Probability to be up at ``time``, by kind.
    private var isUp = Self.up
    private var time: Double
    /// How much more than the network's rule the node's own ends are empty: added to the log odds.
    private(set) var lean = 0.0
    private(set) var leanVariance = Self.leanDeviation * Self.leanDeviation
    /// What this node has added to its group's counts.
    var contribution = KindLanes.zero

    init(time: Double) { self.time = time }

    /// The probability that the node answers.
    ///
    /// - Parameter kinds: how common the kinds are among its likes, summing to 1.
    func availability(kinds: KindLanes, time now: Double) -> Double {
        (posterior(kinds: kinds, time: now) * chances(now)).total
    }

    /// The weights of the kinds, summing to 1.
    func posterior(kinds: KindLanes, time now: Double) -> KindLanes {
        let fade = exp(-max(0, now - time) / Self.memory)
        let best = evidence.largest
        let weights = kinds * evidence.mapped { exp(($0 - best) * fade) }
        return weights / weights.total
    }

    private func chances(_ now: Double) -> KindLanes {
        let age = max(0, now - time)
        let kept = KindLanes(
            paces: exp(-age / Self.paces.0),
            exp(-age / Self.paces.1),
            exp(-age / Self.paces.2),
            exp(-age / Self.paces.3)
        )
        return Self.up + (isUp - Self.up) * kept
    }

    /// Learns from a hop that led to the node.
    ///
    /// - Parameter liquidity: the probability that the money sufficed, had the node answered.
    mutating func note(carried: Bool, liquidity: Double, time now: Double) {
        let chances = chances(now)
        evidence = evidence * exp(-max(0, now - time) / Self.memory)
        time = max(time, now)
        if carried {
            evidence += chances.mapped { log(max(1e-9, $0)) }
            isUp = KindLanes(repeating: 1)
        } else {
            let refused = (KindLanes(repeating: 1) - chances * liquidity).mapped { max(1e-9, $0) }
            evidence += refused.mapped { log($0) }
            isUp = (chances * (1 - liquidity) / refused).mapped { min(1, max(0, $0)) }
        }
        evidence -= KindLanes(repeating: evidence.largest)
    }

    /// Moves the lean by one step of a Kalman filter.
    mutating func shiftLean(gradient: Double, surprise: Double, noise: Double) {
        let gain = leanVariance * gradient / (gradient * gradient * leanVariance + noise)
        lean += gain * surprise
        leanVariance *= 1 - gain * gradient
    }
}
