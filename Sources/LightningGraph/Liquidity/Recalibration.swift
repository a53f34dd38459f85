// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Corrects forecasts that turn out to be too bold or too timid: logit p' = intercept + slope x logit p.
///
/// Learnt one outcome at a time by Newton's method, from the forecast made before the outcome was known. Starts as the
/// identity, which is worth several hundred outcomes.
struct Recalibration: Sendable, Hashable, Codable {
    private static let priorInformation = 60.0
    private static let memory = 0.9998

    private(set) var intercept = 0.0
    private(set) var slope = 1.0
    /// The information matrix: [[a, b], [b, d]].
    private var a = Self.priorInformation
    private var b = 0.0
    private var d = Self.priorInformation

    init() {}

    func callAsFunction(_ probability: Double) -> Double {
        logistic(intercept + max(0.2, slope) * logit(probability))
    }

    mutating func note(forecast: Double, happened: Bool) {
        let x = logit(forecast)
        let corrected = self(forecast)
        let weight = corrected * (1 - corrected)
        let fresh = 1 - Self.memory
        a = a * Self.memory + Self.priorInformation * fresh + weight
        b = b * Self.memory + weight * x
        d = d * Self.memory + Self.priorInformation * fresh + weight * x * x
        let surprise = (happened ? 1 : 0) - corrected
        let determinant = a * d - b * b
        intercept += (d * surprise - b * surprise * x) / determinant
        slope += (a * surprise * x - b * surprise) / determinant
    }
}

func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// The log odds of a probability, which is kept away from 0 and 1.
private func logit(_ probability: Double) -> Double {
    let clipped = min(1 - 1e-5, max(1e-5, probability))
    return log(clipped / (1 - clipped))
}
