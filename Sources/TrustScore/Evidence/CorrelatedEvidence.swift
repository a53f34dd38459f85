// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How much outcomes say that were seen shortly after one another: hardly more than one of them.
///
/// Design effect of cluster sampling: k outcomes with the correlation rho weigh k / (1 + (k - 1) rho).
public enum DesignEffect {
    /// The correlation of outcomes within ``bucketSeconds``.
    public static let correlation = 0.9
    /// Outcomes within the same six hours of UTC are taken together.
    public static let bucketSeconds: Int64 = 21_600

    /// What one of k outcomes weighs.
    ///
    /// - Precondition: `count` is at least 1.
    public static func factor(count: Int) -> Double { 1 / (1 + Double(count - 1) * correlation) }

    /// The number of the six hours since 1970 that a time lies in.
    public static func bucket(of time: Int64) -> Int64 {
        time >= 0 ? time / bucketSeconds : (time - bucketSeconds + 1) / bucketSeconds
    }
}

/// A Beta belief that forgets and does not count alike outcomes twice: what the table `posteriors` keeps.
///
/// The newest six hours are kept apart until later ones begin, so that the weight of their outcomes can be corrected
/// as more arrive. The database computes the same in SQL; this is the definition it is tested against.
public struct CorrelatedPosterior: Sendable, Hashable {
    /// What the open six hours hold.
    struct Bucket: Sendable, Hashable {
        var number: Int64
        var count: Int
        var weight: Double
        var success: Double

        var alpha: Double { success * DesignEffect.factor(count: count) }
        var beta: Double { (weight - success) * DesignEffect.factor(count: count) }
    }

    /// Seconds after which evidence weighs 1/e.
    public let timeConstant: Double
    /// Time of the newest outcome, Unix seconds; `nil` without any.
    public private(set) var lastUpdate: Int64?
    private var settledAlpha = 0.0
    private var settledBeta = 0.0
    private var open: Bucket?

    public init(timeConstant: Double) { self.timeConstant = timeConstant }

    /// Takes in one outcome.
    ///
    /// - Parameters:
    ///   - weight: 0 or more.
    ///   - time: Unix seconds. An outcome of six hours that are closed is added alone, with the weight it would have by
    ///     now.
    public mutating func observe(success: Bool, weight: Double, at time: Int64) {
        let weight = max(0, weight)
        let number = DesignEffect.bucket(of: time)
        var added = Bucket(number: number, count: 1, weight: weight, success: success ? weight : 0)
        guard let last = lastUpdate, let open else {
            (self.open, lastUpdate) = (added, time)
            return
        }
        let age = fade(from: min(time, last), to: max(time, last))
        if number < open.number {
            settledAlpha += added.alpha * age
            settledBeta += added.beta * age
            return
        }
        let factor = time > last ? age : 1
        if number == open.number {
            (settledAlpha, settledBeta) = (settledAlpha * factor, settledBeta * factor)
            added.count += open.count
            added.weight += open.weight
            added.success += open.success
        } else {
            (settledAlpha, settledBeta) = ((settledAlpha + open.alpha) * factor, (settledBeta + open.beta) * factor)
        }
        self.open = added
        lastUpdate = max(last, time)
    }

    /// The belief as of a time, on the flat prior; a time before the newest outcome reads as that.
    public func distribution(at time: Int64) -> BetaDistribution {
        let prior = Posterior.flatPrior
        guard let last = lastUpdate, let open else { return prior }
        let factor = time > last ? fade(from: last, to: time) : 1
        return BetaDistribution(
            alpha: prior.alpha + (settledAlpha + open.alpha) * factor,
            beta: prior.beta + (settledBeta + open.beta) * factor
        )
    }

    /// At most ten time constants count, so that no age underflows what is stored.
    private func fade(from earlier: Int64, to later: Int64) -> Double {
        exp(-min(10, (Double(later) - Double(earlier)) / timeConstant))
    }
}
