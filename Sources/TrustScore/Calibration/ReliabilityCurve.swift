// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How often things happened that were said to be so likely: the published probabilities in bins, with what came true.
public struct ReliabilityCurve: Sendable, Hashable {
    /// How forecasts are put into bins.
    public enum Binning: Sendable, Hashable {
        /// Bins of equal width; empty ones are left out.
        case equalWidth(Int)
        /// Bins that hold equally many forecasts, in the order of probability.
        case equalCount(Int)
    }

    /// One bin.
    public struct Bin: Sendable, Hashable {
        public var count = 0
        var predictedSum = 0.0
        var happened = 0.0

        /// Mean of what was said.
        public var predicted: Double { predictedSum / Double(count) }
        /// Share of what came true.
        public var observed: Double { happened / Double(count) }

        /// The 95 % interval of the true share, given what was seen: Jeffreys' interval.
        public var interval: ClosedRange<Double> {
            let belief = BetaDistribution(alpha: happened + 0.5, beta: Double(count) - happened + 0.5)
            let interval = belief.interval()
            // At the ends the limit is the end itself (Brown, Cai and DasGupta, 2001).
            return (happened == 0 ? 0 : interval.lowerBound)...(happened == Double(count) ? 1 : interval.upperBound)
        }

        mutating func add(_ probability: Double, _ outcome: Double, times: Int = 1) {
            count += times
            predictedSum += probability
            happened += outcome
        }
    }

    /// In the order of probability, none empty.
    public let bins: [Bin]
    /// The bin of each forecast, in the order they were given.
    let assignment: [Int]

    public init(_ forecasts: [ProperScores.Forecast], binning: Binning = .equalCount(10)) {
        var assignment: [Int]
        switch binning {
        case .equalWidth(let count):
            assignment = forecasts.map { min(count - 1, max(0, Int($0.probability * Double(count)))) }
        case .equalCount(let count):
            assignment = [Int](repeating: 0, count: forecasts.count)
            let order = forecasts.indices.sorted {
                let (a, b) = (forecasts[$0].probability, forecasts[$1].probability)
                return a != b ? a < b : $0 < $1
            }
            for (rank, index) in order.enumerated() { assignment[index] = rank * count / forecasts.count }
        }
        // Numbers the bins that hold something.
        var numbers: [Int: Int] = [:]
        for (number, bin) in Set(assignment).sorted().enumerated() { numbers[bin] = number }
        assignment = assignment.map { numbers[$0] ?? 0 }
        var bins = [Bin](repeating: Bin(), count: numbers.count)
        for (forecast, bin) in zip(forecasts, assignment) {
            bins[bin].add(forecast.probability, forecast.happened ? 1 : 0)
        }
        self.bins = bins
        self.assignment = assignment
    }

    /// Expected calibration error: the mean distance of what was said from what came true.
    public var calibrationError: Double { Self.calibrationError(bins) }

    static func calibrationError(_ bins: [Bin]) -> Double {
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return 0 }
        return bins.reduce(0) { $0 + abs($1.predictedSum - $1.happened) } / Double(total)
    }

    /// What the Brier score is made of (Murphy, 1973): reliability - resolution + uncertainty, up to the spread of
    /// probabilities within bins.
    public var decomposition: MurphyDecomposition {
        let total = Double(bins.reduce(0) { $0 + $1.count })
        guard total > 0 else { return MurphyDecomposition(reliability: 0, resolution: 0, uncertainty: 0) }
        let base = bins.reduce(0) { $0 + $1.happened } / total
        var (reliability, resolution) = (0.0, 0.0)
        for bin in bins {
            let (error, gain) = (bin.predicted - bin.observed, bin.observed - base)
            reliability += Double(bin.count) * error * error
            resolution += Double(bin.count) * gain * gain
        }
        return MurphyDecomposition(
            reliability: reliability / total,
            resolution: resolution / total,
            uncertainty: base * (1 - base)
        )
    }
}

/// The parts of a Brier score.
public struct MurphyDecomposition: Sendable, Hashable, Codable {
    /// How far what was said lies from what came true: smaller is better.
    public let reliability: Double
    /// How far the forecasts tell cases apart: greater is better.
    public let resolution: Double
    /// How hard the cases were.
    public let uncertainty: Double
}
