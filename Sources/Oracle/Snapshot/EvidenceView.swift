// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// A node's observed outcomes as of a time, with the verdict they allow.
struct EvidenceView: Sendable {
    let assessment: Assessment
    let judgement: Judgement
    /// Unix seconds of the newest outcome.
    let lastUpdate: Int64?

    /// The 95 % interval of the success probability.
    let interval: ClosedRange<Double>

    /// What can be said of a target of which nothing was observed; computed once, because most targets are of that kind.
    static let blank = EvidenceView([:], at: 0)

    /// The view of a node.
    static func of(_ record: NodeRecord?, at time: Int64) -> EvidenceView {
        guard let evidence = record?.evidence, !evidence.isEmpty else { return blank }
        return EvidenceView(evidence, at: time)
    }

    private init(_ evidence: [EvidenceSource: Posterior], at time: Int64) {
        assessment = Assessment(evidence.mapValues { $0.distribution(at: time) })
        // The weight of settled payments counts each as two.
        let settled = (assessment.sources[.paid]?.alpha ?? Posterior.flatPrior.alpha) - Posterior.flatPrior.alpha
        judgement = assessment.verdict(settledPayments: settled / 2)
        interval = judgement.belief.interval()
        lastUpdate = evidence.values.compactMap(\.lastUpdate).max()
    }
}
