// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// A target's observed outcomes as of a time, with the verdict they allow.
struct EvidenceView: Sendable {
    let assessment: Assessment
    let judgement: Judgement
    let prior: PriorChain.Prior
    /// Unix seconds of the newest outcome.
    let lastUpdate: Int64?

    /// The 95 % interval of the success probability.
    let interval: ClosedRange<Double>

    /// What can be said of a target of which nothing was observed; computed once, because most targets are of that kind.
    static let blank = EvidenceView(.none, at: 0)

    /// The view of a node.
    static func of(_ record: NodeRecord?, at time: Int64, hasCriticalFlag: Bool = false) -> EvidenceView {
        guard let record else { return blank }
        if let unobserved = record.unobserved { return unobserved }
        return EvidenceView(record.observations, at: time, hasCriticalFlag: hasCriticalFlag)
    }

    init(_ observations: Observations, at time: Int64, hasCriticalFlag: Bool = false) {
        prior = observations.prior
        assessment = Assessment(observations.beliefs.mapValues { $0.distribution(at: time) })
        // The weight of settled payments counts each as two.
        let settled = (assessment.sources[.paid]?.alpha ?? Posterior.flatPrior.alpha) - Posterior.flatPrior.alpha
        judgement = assessment.verdict(
            prior: prior.distribution,
            settledPayments: settled / 2,
            hasCriticalFlag: hasCriticalFlag
        )
        interval = judgement.belief.interval()
        lastUpdate = observations.beliefs.values.compactMap(\.lastUpdate).max()
    }
}
