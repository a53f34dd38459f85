// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The belief that a channel's money lies mostly at one of its ends.
///
/// Density of the balance x of a channel of capacity c: proportional to e^(-x/s) + e^((x-c)/s) + 1/c. Source: LND,
/// `routing/probability_bimodal.go`, after Pickhardt et al. All amounts in msat.
public struct BimodalLiquidity: Sendable, Hashable {
    /// s: how far the money spreads from an end, in msat.
    ///
    /// LND's default is 300,000 sat.
    public var scaleMsat: Double
    /// Time after which an observation has lost all but 1/e of its weight, in seconds.
    ///
    /// LND's default is 7 days.
    public var decaySeconds: Double

    public init(scaleMsat: Double = 300_000_000, decaySeconds: Double = 7 * 86_400) {
        self.scaleMsat = scaleMsat
        self.decaySeconds = decaySeconds
    }

    /// The probability that the channel can carry `amount` of which nothing is known.
    public func probability(amount: Double, capacity: Double) -> Double {
        probability(amount: amount, capacity: capacity, success: 0, failure: capacity)
    }

    /// The probability that the channel can carry `amount`.
    ///
    /// - Parameters:
    ///   - success: an amount that went through.
    ///   - failure: an amount that did not. A failure at or below the success contradicts it: both are forgotten.
    public func probability(amount: Double, capacity: Double, success: Double, failure: Double) -> Double {
        guard capacity > 0, amount <= capacity else { return 0 }
        var low = min(max(0, success), capacity)
        var high = min(failure, capacity)
        if failure <= success { (low, high) = (0, capacity) }
        if amount <= low { return 1 }
        if amount >= high { return 0 }
        let atHigh = integral(high, capacity)
        let norm = atHigh - integral(low, capacity)
        guard norm > 0 else { return 0 }
        return min(1, max(0, (atHigh - integral(amount, capacity)) / norm))
    }

    /// What is still known of a success after a time: it fades to "nothing went through".
    public func decayed(success: Double, age: Double) -> Double {
        (success * exp(-age / decaySeconds)).rounded(.down)
    }

    /// What is still known of a failure after a time: it fades to "the whole capacity may fit".
    public func decayed(failure: Double, capacity: Double, age: Double) -> Double {
        capacity - ((capacity - failure) * exp(-age / decaySeconds)).rounded(.down)
    }

    /// The integral of the density, up to a constant factor.
    private func integral(_ x: Double, _ capacity: Double) -> Double {
        -exp(-x / scaleMsat) + exp((x - capacity) / scaleMsat) + x / (capacity * scaleMsat)
    }
}
