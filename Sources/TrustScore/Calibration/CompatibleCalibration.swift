// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// SatRank's calibration: the distance of predicted from observed shares, by target and stage.
///
/// For comparison only: with five outcomes per group a perfect oracle shows 0.1, see ``CalibrationFigures/NoiseFloor``.
public struct CompatibleCalibration: Sendable, Hashable, Codable {
    /// A target's stage within the window.
    public struct Group: Sendable, Hashable {
        /// Outcomes in the window, and their weights.
        public let count: Int
        public let total: Double
        public let success: Double
        /// Weights of all earlier outcomes, and the mean of their times in Unix seconds.
        public let historyTotal: Double
        public let historySuccess: Double
        public let historyMeanTime: Double?

        public init(
            count: Int,
            total: Double,
            success: Double,
            historyTotal: Double,
            historySuccess: Double,
            historyMeanTime: Double?
        ) {
            self.count = count
            self.total = total
            self.success = success
            self.historyTotal = historyTotal
            self.historySuccess = historySuccess
            self.historyMeanTime = historyMeanTime
        }

        /// Mean of the belief at the start of the window, from all earlier outcomes as if they had happened at their mean time.
        public func predicted(at start: Int64) -> Double {
            guard let time = historyMeanTime else { return 0.5 }
            let fade = exp(-max(0, Double(start) - time) / Posterior.compatibleTimeConstant)
            let prior = Posterior.flatPrior
            let alpha = prior.alpha + historySuccess * fade
            return alpha / (prior.alpha + prior.beta + historyTotal * fade)
        }

        public var observed: Double { success / total }
    }

    /// Groups with fewer outcomes do not count.
    public static let minimum = 5

    public let delta_mean: Double
    public let delta_median: Double
    public let delta_p95: Double
    public let n_groups: Int

    /// The figures of a window; `nil` when no group has five outcomes.
    public init?(_ groups: [Group], windowStart: Int64) {
        let deltas = groups.filter { $0.count >= Self.minimum && $0.total > 0 }
            .map { abs($0.predicted(at: windowStart) - $0.observed) }.sorted()
        guard !deltas.isEmpty else { return nil }
        delta_mean = deltas.reduce(0, +) / Double(deltas.count)
        delta_median = deltas[deltas.count / 2]
        delta_p95 = deltas[min(deltas.count - 1, Int(0.95 * Double(deltas.count)))]
        n_groups = deltas.count
    }
}
