// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Judges published probabilities by what happened: the smaller, the better the oracle.
public struct ProperScores: Sendable, Hashable {
    /// A published probability and what happened.
    public struct Forecast: Sendable, Hashable {
        public let probability: Double
        public let happened: Bool

        public init(probability: Double, happened: Bool) {
            self.probability = probability
            self.happened = happened
        }
    }

    /// Mean squared error.
    public let brier: Double
    /// Mean negative log likelihood, probabilities clipped at 1e-6.
    public let logLoss: Double
    /// Share of the forecasts that happened.
    public let baseRate: Double
    /// 1 - Brier / (base (1 - base)); `nil` when everything or nothing happened.
    public let skill: Double?

    /// Scores forecasts, or returns `nil` without any.
    public init?(_ forecasts: [Forecast]) {
        guard !forecasts.isEmpty else { return nil }
        let count = Double(forecasts.count)
        var (squares, losses, happened) = (0.0, 0.0, 0.0)
        for forecast in forecasts {
            let outcome = forecast.happened ? 1.0 : 0.0
            let error = forecast.probability - outcome
            squares += error * error
            losses += Self.loss(of: forecast)
            happened += outcome
        }
        brier = squares / count
        logLoss = losses / count
        baseRate = happened / count
        let spread = baseRate * (1 - baseRate)
        skill = spread > 0 ? 1 - brier / spread : nil
    }

    /// Negative log likelihood of one outcome.
    static func loss(of forecast: Forecast) -> Double {
        let clipped = min(1 - 1e-6, max(1e-6, forecast.probability))
        return -log(forecast.happened ? clipped : 1 - clipped)
    }
}
