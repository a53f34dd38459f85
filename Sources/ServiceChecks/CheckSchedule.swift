// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// When an endpoint is looked at again, free of charge.
public enum CheckSchedule {
    /// How wanted an endpoint is.
    public enum Demand: String, Sendable, Hashable, CaseIterable {
        /// Asked for in the last 2 hours.
        case hot
        /// Asked for in the last day.
        case warm
        case cold

        /// - Parameter age: seconds since somebody last asked; `nil` for never.
        public init(secondsSinceQuery age: Double?) {
            switch age {
            case .some(..<7200): self = .hot
            case .some(..<86_400): self = .warm
            default: self = .cold
            }
        }

        /// Seconds between looks at an endpoint that is as likely to work as not.
        public var base: Double {
            switch self {
            case .hot: 1800
            case .warm: 10_800
            case .cold: 21_600
            }
        }
    }

    /// Least and greatest wait in seconds.
    public static let bounds = 300.0...86_400.0

    /// Seconds until the next look: the surer the oracle is of the endpoint, the longer.
    ///
    /// - Parameters:
    ///   - probability: that the challenge works, 0 to 1.
    ///   - generator: spreads the looks by a tenth to either side.
    public static func wait(
        _ demand: Demand,
        probability: Double,
        using generator: inout some RandomNumberGenerator
    ) -> Double {
        let certainty = abs(min(1, max(0, probability)) - 0.5)
        let wait = min(bounds.upperBound, max(bounds.lowerBound, demand.base * exp(2 * certainty)))
        let jittered = wait * Double.random(in: 0.9...1.1, using: &generator)
        return min(bounds.upperBound, max(bounds.lowerBound, jittered))
    }
}
