// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A Beta distribution: what is believed of a probability.
public struct BetaDistribution: Sendable, Hashable {
    /// Prior and observed weight of successes, greater than 0.
    public let alpha: Double
    /// Prior and observed weight of failures, greater than 0.
    public let beta: Double

    /// - Precondition: both parameters are positive and finite.
    public init(alpha: Double, beta: Double) {
        precondition(alpha > 0 && beta > 0 && alpha.isFinite && beta.isFinite, "Beta parameters are positive")
        self.alpha = alpha
        self.beta = beta
    }

    public var mean: Double { alpha / (alpha + beta) }

    public var variance: Double {
        let total = alpha + beta
        return alpha * beta / (total * total * (total + 1))
    }

    /// P(X <= x): the regularised incomplete beta function.
    ///
    /// Relative error below 1e-12 for parameters up to 1000. Source: continued fraction of NIST DLMF 8.17.22, by Lentz's
    /// method.
    public func cumulative(_ x: Double) -> Double {
        if x <= 0 { return 0 }
        if x >= 1 { return 1 }
        let logFront = alpha * log(x) + beta * log1p(-x) - logBetaFunction
        // The fraction converges fast on this side only; the other side is its mirror image.
        if x < (alpha + 1) / (alpha + beta + 2) {
            return exp(logFront) * Self.fraction(x, alpha, beta) / alpha
        }
        return 1 - exp(logFront) * Self.fraction(1 - x, beta, alpha) / beta
    }

    /// P(X > x), without the loss of digits that `1 - cumulative(x)` has far out.
    public func survival(_ x: Double) -> Double { mirrored.cumulative(1 - x) }

    /// The x with P(X <= x) = `probability`.
    ///
    /// Newton's method kept inside a shrinking bracket; relative error at most 1e-9.
    /// - Precondition: 0 <= probability <= 1.
    public func quantile(_ probability: Double) -> Double {
        precondition((0...1).contains(probability), "a probability lies in 0...1")
        if probability == 0 { return 0 }
        if probability == 1 { return 1 }
        var (low, high) = (0.0, 1.0)
        var x = mean
        for _ in 0..<200 {
            let error = cumulative(x) - probability
            if error == 0 { return x }
            if error > 0 { high = x } else { low = x }
            var next = x - error / density(x)
            if !(next > low && next < high) { next = low + (high - low) / 2 }
            if abs(next - x) <= 1e-14 * next { return next }
            x = next
        }
        return x
    }

    /// The interval that leaves the same probability out on both sides, 95 % by default.
    public func interval(_ mass: Double = 0.95) -> ClosedRange<Double> {
        let low = quantile((1 - mass) / 2)
        // The upper end from its own tail, where the digits are.
        let high = 1 - mirrored.quantile((1 - mass) / 2)
        return min(low, high)...max(low, high)
    }

    /// The interval that SatRank prints: the normal approximation cut to 0...1 from a mass of 30 on, exact below.
    public var compatibleInterval: ClosedRange<Double> {
        guard alpha + beta >= 30 else { return interval() }
        // The 97.5 % quantile of the normal distribution.
        let spread = 1.959_963_984_540_054 * variance.squareRoot()
        return max(0, mean - spread)...min(1, mean + spread)
    }

    /// The distribution of 1 - X.
    private var mirrored: BetaDistribution { BetaDistribution(alpha: beta, beta: alpha) }

    private func density(_ x: Double) -> Double {
        exp((alpha - 1) * log(x) + (beta - 1) * log1p(-x) - logBetaFunction)
    }

    private var logBetaFunction: Double { logGamma(alpha) + logGamma(beta) - logGamma(alpha + beta) }

    private static func fraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
        // Stands for zero where Lentz's method would divide by it.
        let tiny = 1e-300
        var c = 1.0
        var d = 1 - (a + b) * x / (a + 1)
        d = 1 / (abs(d) < tiny ? tiny : d)
        var result = d
        for step in 1...500 {
            let m = Double(step)
            for numerator in [
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
            ] {
                d = 1 + numerator * d
                d = 1 / (abs(d) < tiny ? tiny : d)
                c = 1 + numerator / c
                if abs(c) < tiny { c = tiny }
                result *= c * d
            }
            if abs(c * d - 1) < 1e-15 { break }
        }
        return result
    }
}

/// The logarithm of the gamma function for positive arguments.
///
/// Stirling's series above 12, reached by the recurrence. Source: NIST DLMF 5.11.1 and 5.5.1. Written out because the C
/// library's function stores the sign in a global variable, which two threads must not share.
func logGamma(_ value: Double) -> Double {
    var x = value
    var shift = 1.0
    while x < 12 {
        shift *= x
        x += 1
    }
    let inverse = 1 / (x * x)
    let series =
        (1.0 / 12 - inverse * (1.0 / 360 - inverse * (1.0 / 1260 - inverse * (1.0 / 1680 - inverse / 1188)))) / x
    return (x - 0.5) * log(x) - x + 0.918_938_533_204_672_8 + series - log(shift)
}
