// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A Beta belief that forgets: evidence fades towards the prior with time.
///
/// Exponential forgetting, alpha(t) = a0 + (alpha - a0) e^(-dt/tau), on writing and on reading alike.
public struct Posterior: Sendable, Hashable {
    /// The belief without evidence: Beta(1.5, 1.5).
    public static let flatPrior = BetaDistribution(alpha: 1.5, beta: 1.5)
    /// SatRank's time constant, in seconds: 7 days.
    public static let compatibleTimeConstant: Double = 7 * 86_400

    /// After this many seconds evidence weighs 1/e.
    public let timeConstant: Double

    /// Parameters as of ``lastUpdate``.
    public private(set) var alpha: Double
    public private(set) var beta: Double
    /// Time of the newest observation, Unix seconds; `nil` without any.
    public private(set) var lastUpdate: Int64?
    /// Observations taken in, unweighted.
    public private(set) var count: Int

    /// A belief without evidence.
    public init(timeConstant: Double = compatibleTimeConstant) {
        self.init(
            alpha: Self.flatPrior.alpha,
            beta: Self.flatPrior.beta,
            lastUpdate: nil,
            count: 0,
            timeConstant: timeConstant
        )
    }

    /// A stored belief.
    ///
    /// Parameters below the prior are impossible and are raised to it.
    public init(
        alpha: Double,
        beta: Double,
        lastUpdate: Int64?,
        count: Int,
        timeConstant: Double = compatibleTimeConstant
    ) {
        self.timeConstant = timeConstant
        self.alpha = max(alpha, Self.flatPrior.alpha)
        self.beta = max(beta, Self.flatPrior.beta)
        self.lastUpdate = lastUpdate
        self.count = count
    }

    /// Takes in one observation.
    ///
    /// One older than the newest is added with the weight it would have by now and moves no clock.
    /// - Parameter weight: 0 or more; a paid outcome weighs 2, a probe 1.
    public mutating func observe(success: Bool, weight: Double, at time: Int64) {
        var added = max(0, weight)
        if let last = lastUpdate, time < last {
            added *= exp(-(Double(last) - Double(time)) / timeConstant)
        } else {
            let now = distribution(at: time)
            (alpha, beta) = (now.alpha, now.beta)
            lastUpdate = time
        }
        if success { alpha += added } else { beta += added }
        count += 1
    }

    /// The belief as of a time; a time before the newest observation reads as that.
    public func distribution(at time: Int64) -> BetaDistribution {
        let age = max(0, Double(time) - Double(lastUpdate ?? time))
        let factor = exp(-age / timeConstant)
        let prior = Self.flatPrior
        return BetaDistribution(
            alpha: prior.alpha + (alpha - prior.alpha) * factor,
            beta: prior.beta + (beta - prior.beta) * factor
        )
    }
}

extension BetaDistribution {
    /// The weight of evidence beyond the flat prior: what SatRank calls `n_obs`.
    public var evidence: Double {
        max(0, alpha + beta - Posterior.flatPrior.alpha - Posterior.flatPrior.beta)
    }

    /// Adds the evidence of several sources on top of one flat prior.
    public static func combining(_ sources: some Sequence<BetaDistribution>) -> BetaDistribution {
        let prior = Posterior.flatPrior
        var (alpha, beta) = (prior.alpha, prior.beta)
        for source in sources {
            alpha += max(0, source.alpha - prior.alpha)
            beta += max(0, source.beta - prior.beta)
        }
        return BetaDistribution(alpha: alpha, beta: beta)
    }
}
