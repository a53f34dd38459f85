// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a belief is called.
public enum Verdict: String, Sendable, Hashable, CaseIterable, Codable {
    case safe = "SAFE"
    case risky = "RISKY"
    case unknown = "UNKNOWN"
    case insufficient = "INSUFFICIENT"
}

/// A belief about one target, with the evidence behind it by source.
public struct Assessment: Sendable, Hashable {
    /// Mean from which a source supports SAFE.
    public static let convergenceThreshold = 0.80

    /// Each source's own belief on top of its own flat prior; sources without evidence are absent.
    public let sources: [EvidenceSource: BetaDistribution]
    /// All evidence on one flat prior.
    public let combined: BetaDistribution

    public init(_ sources: [EvidenceSource: BetaDistribution]) {
        self.sources = sources.filter { $0.value.evidence > 0 }
        combined = .combining(EvidenceSource.allCases.compactMap { sources[$0] })
    }

    /// Sources whose mean, at three decimals, supports SAFE.
    public var sourcesAboveThreshold: [EvidenceSource] {
        EvidenceSource.allCases.filter { source in
            guard let mean = sources[source]?.mean else { return false }
            return roundHalfUp(mean, decimals: 3) >= Self.convergenceThreshold
        }
    }

    /// Whether at least two sources agree.
    public var isConverged: Bool { sourcesAboveThreshold.count >= 2 }

    /// SatRank's verdict, first match of its rules.
    ///
    /// - Parameter isCondemned: a report of fraud or a negative reputation, which forces RISKY.
    public func compatibleVerdict(isCondemned: Bool = false) -> Verdict {
        if isCondemned { return .risky }
        if combined.evidence < 5 { return .insufficient }
        let interval = combined.compatibleInterval
        if combined.mean < 0.50 || interval.upperBound < 0.65 { return .risky }
        if interval.upperBound - interval.lowerBound > 0.40 { return .unknown }
        let isSafe = combined.mean >= 0.80 && interval.lowerBound >= 0.65 && combined.evidence >= 10 && isConverged
        return isSafe ? .safe : .unknown
    }

    /// Our verdict: decided by probabilities of the exact posterior instead of bounds.
    ///
    /// - Parameters:
    ///   - prior: the belief about targets of this kind, which the target's own evidence is added to.
    ///   - settledPayments: weight of settled payments among the evidence; from 5 on they suffice alone.
    ///   - hasCriticalFlag: whether an unresolved critical flag stands.
    public func verdict(
        prior: BetaDistribution = Posterior.flatPrior,
        settledPayments: Double = 0,
        hasCriticalFlag: Bool = false
    ) -> Judgement {
        let flat = Posterior.flatPrior
        let belief = BetaDistribution(
            alpha: prior.alpha + combined.alpha - flat.alpha,
            beta: prior.beta + combined.beta - flat.beta
        )
        return Judgement.of(
            belief,
            evidence: combined.evidence,
            kinds: sources.count,
            settledPayments: settledPayments,
            hasCriticalFlag: hasCriticalFlag
        )
    }
}

/// Our verdict and the probabilities that decided it.
public struct Judgement: Sendable, Hashable {
    public let verdict: Verdict
    /// Prior and own evidence together.
    public let belief: BetaDistribution
    /// P(p > 0.80).
    public let probabilityAbove80: Double
    /// P(p < 0.50).
    public let probabilityBelow50: Double

    /// Decides by the probabilities of a belief.
    ///
    /// - Parameters:
    ///   - evidence: weight of the target's own outcomes; below 3 nothing is decided but clear danger.
    ///   - kinds: different kinds of evidence; SAFE needs two, or five settled payments.
    static func of(
        _ belief: BetaDistribution,
        evidence: Double,
        kinds: Int,
        settledPayments: Double,
        hasCriticalFlag: Bool
    ) -> Judgement {
        let (above, below) = (belief.survival(0.80), belief.cumulative(0.50))
        let isSupported = kinds >= 2 || settledPayments >= 5
        let verdict: Verdict =
            if below >= 0.90 {
                .risky
            } else if above >= 0.95, isSupported, !hasCriticalFlag {
                .safe
            } else if evidence < 3 {
                .insufficient
            } else {
                .unknown
            }
        return Judgement(verdict: verdict, belief: belief, probabilityAbove80: above, probabilityBelow50: below)
    }
}

/// Rounds half up, as JavaScript's `Math.round(x * 10^n) / 10^n` does, for numbers that must equal SatRank's.
public func roundHalfUp(_ value: Double, decimals: Int = 0) -> Double {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    return (value * scale + 0.5).rounded(.down) / scale
}
