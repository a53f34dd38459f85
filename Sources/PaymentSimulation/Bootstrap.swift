// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What one forecast loses by its outcome.
enum ForecastLoss {
    static func brier(_ forecast: ProperScores.Forecast) -> Double {
        let error = forecast.probability - (forecast.happened ? 1 : 0)
        return error * error
    }

    /// Negative log likelihood, probabilities clipped at 1e-6.
    static func log(_ forecast: ProperScores.Forecast) -> Double {
        let clipped = min(1 - 1e-6, max(1e-6, forecast.probability))
        return -logarithm(forecast.happened ? clipped : 1 - clipped)
    }
}

private func logarithm(_ x: Double) -> Double { log(x) }

/// Resampling with replacement (Efron, 1979).
enum Bootstrap {
    private static let draws = 200

    /// The equal-tailed 95 % interval of a mean.
    static func interval(ofMeanOf values: [Double], _ generator: inout SeededGenerator) -> (low: Double, high: Double) {
        guard !values.isEmpty else { return (0, 0) }
        let means = (0..<draws).map { _ in
            var sum = 0.0
            for _ in values.indices { sum += values[Int(generator.next() % UInt64(values.count))] }
            return sum / Double(values.count)
        }.sorted()
        return (means[draws / 40], means[draws - 1 - draws / 40])
    }
}
