// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A published assumption about where the money of a channel lies, from which the simulator draws hidden balances.
public enum BalanceAssumption: String, Sendable, Hashable, CaseIterable, Codable {
    /// Every division is equally likely (Pickhardt and Richter, 2021).
    case uniform
    /// The money lies near one end, falling off with 300,000 sat (LND's default).
    case bimodal
    /// Hubs have sent most of their money out to smaller peers; channels of equals are uniform.
    case depletedHubs = "depleted_hubs"
    /// Every channel follows one of the three.
    case mixed

    /// Those of the standard experiment.
    public static let standard: [BalanceAssumption] = allCases
}

/// The distribution of one channel's balance at the end of `node1`, in msat.
///
/// Has a distribution function and its inverse, so that a balance can wander without leaving its distribution.
enum BalanceDistribution: Sendable {
    case uniform(capacity: Double)
    /// Density proportional to e^(-x/s) + e^((x - c)/s).
    case bimodal(capacity: Double, scale: Double)
    /// Kumaraswamy's distribution of the share: 1 - (1 - x^a)^b.
    case tilted(capacity: Double, a: Double, b: Double)

    /// The probability of a balance below `x`.
    func share(below x: Double) -> Double {
        switch self {
        case .uniform(let capacity): return clamp(x / capacity)
        case .bimodal(let capacity, let scale):
            let end = exp(-capacity / scale)
            return clamp(0.5 * (1 - exp(-x / scale) + exp((x - capacity) / scale) - end) / (1 - end))
        case .tilted(let capacity, let a, let b): return clamp(1 - pow(1 - pow(clamp(x / capacity), a), b))
        }
    }

    /// The balance that a share of all balances is below.
    func balance(atShare share: Double) -> Double {
        switch self {
        case .uniform(let capacity): return share * capacity
        case .bimodal(let capacity, _):
            var (low, high) = (0.0, capacity)
            for _ in 0..<44 {
                let middle = (low + high) / 2
                if self.share(below: middle) < share { low = middle } else { high = middle }
            }
            return (low + high) / 2
        case .tilted(let capacity, let a, let b):
            return capacity * pow(clamp(1 - pow(1 - share, 1 / b)), 1 / a)
        }
    }

    private func clamp(_ x: Double) -> Double { min(1, max(0, x)) }
}
