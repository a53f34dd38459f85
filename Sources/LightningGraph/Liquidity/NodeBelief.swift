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
    /// One lane per kind: eight shares of time up at each of four paces.
    typealias Lanes = SIMD32<Double>

    private static let shares = [0.999, 0.99, 0.96, 0.88, 0.7, 0.45, 0.2, 0.02]
    /// Seconds after which a kind has forgotten whether it was up: at once, 3 hours, a day, 10 days.
    private static let paces: [Double] = [1, 3 * 3600, 86_400, 864_000]
    /// Share of time up, by kind.
    static let up = Lanes((0..<32).map { shares[$0 % 8] })
    /// How common the shares are thought to be, before anything was seen, among sound nodes and among doubtful ones.
    private static let sound = [0.55, 0.3, 0.1, 0.03, 0.01, 0.005, 0.003, 0.002]
    private static let doubtful = [0.08, 0.08, 0.1, 0.14, 0.15, 0.15, 0.15, 0.15]

    /// How common the kinds are thought to be in a group before anything was seen.
    static let priors: [Lanes] = (0..<NodeGroup.count).map { group in
        let doubt = NodeGroup.doubt(group)
        return Lanes((0..<32).map { (sound[$0 % 8] * (1 - doubt) + doubtful[$0 % 8] * doubt) / 4 })
    }

    /// Deviation of ``lean`` among nodes.
    static let leanDeviation = 0.7
    /// Seconds after which what was learnt about a node has lost all but 1/e of its weight.
    static let memory = 30 * 86_400.0

    /// ln of the likelihood of what was seen, by kind.
    private var evidence = Lanes.zero
    /// Probability to be up at ``time``, by kind.
    private var isUp = Self.up
    private var time: Double
    /// How much more than the network's rule the node's own ends are empty: added to the log odds.
    private(set) var lean = 0.0
    private(set) var leanVariance = Self.leanDeviation * Self.leanDeviation
    /// What this node has added to its group's counts.
    var contribution = Lanes.zero

    init(time: Double) { self.time = time }

    /// The probability that the node answers.
    ///
    /// - Parameter kinds: how common the kinds are among its likes, summing to 1.
    func availability(kinds: Lanes, time now: Double) -> Double {
        let weights = posterior(kinds: kinds, time: now)
        return (weights * chances(now)).sum()
    }

    /// The weights of the kinds, summing to 1.
    func posterior(kinds: Lanes, time now: Double) -> Lanes {
        var weights = Lanes.zero
        let fade = exp(-max(0, now - time) / Self.memory)
        let best = evidence.max()
        for kind in 0..<32 { weights[kind] = kinds[kind] * exp((evidence[kind] - best) * fade) }
        return weights / weights.sum()
    }

    private func chances(_ now: Double) -> Lanes {
        var kept = Lanes.zero
        let age = max(0, now - time)
        for (pace, seconds) in Self.paces.enumerated() {
            let rest = exp(-age / seconds)
            for share in 0..<8 { kept[pace * 8 + share] = rest }
        }
        return Self.up + (isUp - Self.up) * kept
    }

    /// Learns from a hop that led to the node.
    ///
    /// - Parameter liquidity: the probability that the money sufficed, had the node answered.
    mutating func note(carried: Bool, liquidity: Double, time now: Double) {
        let chances = chances(now)
        evidence *= exp(-max(0, now - time) / Self.memory)
        time = max(time, now)
        for kind in 0..<32 {
            if carried {
                evidence[kind] += log(max(1e-9, chances[kind]))
                isUp[kind] = 1
            } else {
                let refused = max(1e-9, 1 - chances[kind] * liquidity)
                evidence[kind] += log(refused)
                isUp[kind] = min(1, max(0, chances[kind] * (1 - liquidity) / refused))
            }
        }
        evidence -= Lanes(repeating: evidence.max())
    }

    /// Moves the lean by one step of a Kalman filter.
    mutating func shiftLean(gradient: Double, surprise: Double, noise: Double) {
        let gain = leanVariance * gradient / (gradient * gradient * leanVariance + noise)
        lean += gain * surprise
        leanVariance *= 1 - gain * gradient
    }
}
