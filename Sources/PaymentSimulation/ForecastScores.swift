// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// How good forecasts were: mean errors, ranking, calibration.
struct ForecastScores: Sendable {
    let brier: Double
    let logLoss: Double
    /// The probability that a payment that arrived had a higher forecast than one that did not; `nil` without both.
    let auc: Double?
    /// Mean distance between forecast and frequency over ten groups of equal size.
    let calibrationError: Double
    let groups: [ReliabilityGroup]

    /// - Precondition: there is a forecast.
    init(_ forecasts: [ProperScores.Forecast]) {
        guard let scores = ProperScores(forecasts) else { preconditionFailure("nothing to score") }
        brier = scores.brier
        logLoss = scores.logLoss
        let sorted = forecasts.sorted { $0.probability < $1.probability }
        auc = Self.auc(sorted)
        let curve = ReliabilityCurve(forecasts)
        calibrationError = curve.calibrationError
        groups = curve.bins.map(ReliabilityGroup.init)
    }

    /// By ranks (Mann and Whitney); equal forecasts share their mean rank.
    private static func auc(_ sorted: [ProperScores.Forecast]) -> Double? {
        var sum = 0.0
        var start = 0
        while start < sorted.count {
            var end = start + 1
            while end < sorted.count, sorted[end].probability == sorted[start].probability { end += 1 }
            let rank = Double(start + end + 1) / 2
            sum += rank * Double(sorted[start..<end].count(where: \.happened))
            start = end
        }
        let positives = Double(sorted.count(where: \.happened))
        let negatives = Double(sorted.count) - positives
        guard positives > 0, negatives > 0 else { return nil }
        return (sum - positives * (positives + 1) / 2) / (positives * negatives)
    }
}

/// Forecasts of about the same size, and how often they came true.
public struct ReliabilityGroup: Sendable, Hashable {
    /// Mean forecast.
    public let forecast: Double
    /// Share that came true, with a 95 % interval.
    public let frequency: Double
    public let low: Double
    public let high: Double
    public let count: Int

    init(_ bin: ReliabilityCurve.Bin) {
        forecast = bin.predicted
        frequency = bin.observed
        low = bin.interval.lowerBound
        high = bin.interval.upperBound
        count = bin.count
    }
}
