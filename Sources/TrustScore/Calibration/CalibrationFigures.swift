// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How a set of forecasts fared, with how sure one can be of that.
///
/// Intervals come from a bootstrap over targets, because outcomes of one target are alike; the noise floor says how large
/// the calibration error of a perfect oracle would look on the same forecasts.
public struct CalibrationFigures: Sendable, Hashable, Codable {
    /// A figure with its 95 % interval.
    public struct Estimate: Sendable, Hashable, Codable {
        public let value: Double
        public let low: Double
        public let high: Double
    }

    /// The expected calibration error of an oracle that is right.
    public struct NoiseFloor: Sendable, Hashable, Codable {
        public let mean: Double
        /// What a right oracle stays below in 95 % of all weeks.
        public let p95: Double
    }

    /// A point of the reliability diagram.
    public struct Point: Sendable, Hashable, Codable {
        public let predicted: Double
        public let observed: Double
        public let low: Double
        public let high: Double
        public let n: Int
    }

    /// One forecast of one target.
    public struct Case: Sendable, Hashable {
        /// Number of the target: cases of one target are drawn together.
        public let target: Int
        public let forecast: ProperScores.Forecast

        public init(target: Int, forecast: ProperScores.Forecast) {
            self.target = target
            self.forecast = forecast
        }
    }

    public let n: Int
    public let targets: Int
    public let base_rate: Double
    public let brier: Estimate
    public let log_loss: Estimate
    /// With ten bins of equal count.
    public let ece: Estimate
    /// `nil` when everything or nothing happened.
    public let skill: Estimate?
    public let noise_floor: NoiseFloor
    public let murphy: MurphyDecomposition
    public let curve: [Point]

    /// Judges forecasts; `nil` without any.
    ///
    /// - Parameters:
    ///   - draws: of the bootstrap and of the noise floor. The noise floor makes fewer where cases times draws exceed 20
    ///     million, but at least 100.
    ///   - seed: the same seed gives the same figures.
    public init?(_ cases: [Case], draws: Int = 1000, seed: UInt64 = 1) {
        let forecasts = cases.map(\.forecast)
        guard let scores = ProperScores(forecasts) else { return nil }
        let curve = ReliabilityCurve(forecasts)
        let bootstrap = Bootstrap(cases, curve: curve)
        var generator = SeededGenerator(seed: seed)
        let resampled = bootstrap.resample(draws: draws, using: &generator)
        n = cases.count
        targets = bootstrap.clusterCount
        base_rate = scores.baseRate
        brier = Estimate(scores.brier, resampled.map(\.brier))
        log_loss = Estimate(scores.logLoss, resampled.map(\.logLoss))
        ece = Estimate(curve.calibrationError, resampled.map(\.calibrationError))
        skill = scores.skill.map { Estimate($0, resampled.compactMap(\.skill)) }
        noise_floor = Self.noiseFloor(forecasts, curve, draws: draws, using: &generator)
        murphy = curve.decomposition
        self.curve = curve.bins.map {
            let interval = $0.interval
            return Point(
                predicted: $0.predicted,
                observed: $0.observed,
                low: interval.lowerBound,
                high: interval.upperBound,
                n: $0.count
            )
        }
    }

    /// Draws what would have happened if every forecast were right.
    private static func noiseFloor(
        _ forecasts: [ProperScores.Forecast],
        _ curve: ReliabilityCurve,
        draws: Int,
        using generator: inout SeededGenerator
    ) -> NoiseFloor {
        let draws = min(draws, max(100, 20_000_000 / forecasts.count))
        var errors: [Double] = []
        errors.reserveCapacity(draws)
        for _ in 0..<draws {
            var bins = curve.bins
            for bin in bins.indices { bins[bin].happened = 0 }
            for (forecast, bin) in zip(forecasts, curve.assignment) where generator.unit() < forecast.probability {
                bins[bin].happened += 1
            }
            errors.append(ReliabilityCurve.calibrationError(bins))
        }
        errors.sort()
        return NoiseFloor(
            mean: errors.reduce(0, +) / Double(draws),
            p95: errors[min(draws - 1, Int(0.95 * Double(draws)))]
        )
    }
}

extension CalibrationFigures.Estimate {
    /// The middle 95 % of what resampling gave.
    init(_ value: Double, _ draws: [Double]) {
        let sorted = draws.filter(\.isFinite).sorted()
        guard !sorted.isEmpty else {
            self.init(value: value, low: value, high: value)
            return
        }
        let last = Double(sorted.count - 1)
        self.init(
            value: value,
            low: min(value, sorted[Int((0.025 * last).rounded())]),
            high: max(value, sorted[Int((0.975 * last).rounded())])
        )
    }
}

/// Draws targets with replacement and computes the figures of each draw from sums per target.
private struct Bootstrap {
    struct Draw {
        let brier: Double
        let logLoss: Double
        let calibrationError: Double
        let skill: Double?
    }

    /// What one target adds.
    private struct Cluster {
        var count = 0
        var squares = 0.0
        var losses = 0.0
        var happened = 0.0
        /// By bin; most targets have cases in one or two.
        var bins: [Int: ReliabilityCurve.Bin] = [:]

        mutating func add(_ forecast: ProperScores.Forecast, bin: Int) {
            let outcome = forecast.happened ? 1.0 : 0.0
            let error = forecast.probability - outcome
            count += 1
            squares += error * error
            losses += ProperScores.loss(of: forecast)
            happened += outcome
            bins[bin, default: .init()].add(forecast.probability, outcome)
        }
    }

    private let clusters: [Cluster]
    private let binCount: Int

    var clusterCount: Int { clusters.count }

    init(_ cases: [CalibrationFigures.Case], curve: ReliabilityCurve) {
        binCount = curve.bins.count
        var clusters: [Cluster] = []
        var indexes: [Int: Int] = [:]
        for (item, bin) in zip(cases, curve.assignment) {
            let index = indexes[item.target] ?? clusters.count
            if index == clusters.count {
                clusters.append(Cluster())
                indexes[item.target] = index
            }
            clusters[index].add(item.forecast, bin: bin)
        }
        self.clusters = clusters
    }

    func resample(draws: Int, using generator: inout SeededGenerator) -> [Draw] {
        (0..<draws).map { _ in
            var total = Cluster()
            var bins = [ReliabilityCurve.Bin](repeating: .init(), count: binCount)
            for _ in clusters.indices {
                let cluster = clusters[generator.below(clusters.count)]
                total.count += cluster.count
                total.squares += cluster.squares
                total.losses += cluster.losses
                total.happened += cluster.happened
                for (index, bin) in cluster.bins {
                    bins[index].add(bin.predictedSum, bin.happened, times: bin.count)
                }
            }
            let count = Double(total.count)
            let base = total.happened / count
            let spread = base * (1 - base)
            return Draw(
                brier: total.squares / count,
                logLoss: total.losses / count,
                calibrationError: ReliabilityCurve.calibrationError(bins),
                skill: spread > 0 ? 1 - total.squares / count / spread : nil
            )
        }
    }
}
