// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What is believed of a whole call to an L402 service, from the evidence about its stages.
public struct ServiceAssessment: Sendable, Hashable {
    /// The five stages together.
    public let composition: StageComposition
    /// The verdict on the whole call.
    public let judgement: Judgement
    /// The evidence as SatRank sorts it: free checks by their challenge, payments and reports by their delivery.
    public let compatible: Assessment
    /// Kinds of evidence at any stage.
    public let sources: Set<EvidenceSource>
    /// Weight of all own evidence, over all stages.
    public let evidence: Double

    /// - Parameters:
    ///   - stages: each source's own belief on the flat prior, by stage.
    ///   - priors: what is expected of each stage; flat when absent.
    public init(
        _ stages: [Stage: [EvidenceSource: BetaDistribution]],
        priors: [Stage: BetaDistribution],
        hasCriticalFlag: Bool = false
    ) {
        let assessments = stages.mapValues { Assessment($0) }
        let flat = Posterior.flatPrior
        composition = StageComposition(evidence: assessments.mapValues(\.combined), on: priors)
        sources = Set(assessments.values.flatMap(\.sources.keys))
        evidence = assessments.values.reduce(0) { $0 + $1.combined.evidence }
        var compatible: [EvidenceSource: BetaDistribution] = [:]
        compatible[.probe] = assessments[.challenge]?.sources[.probe]
        for source in [EvidenceSource.paid, .report] {
            compatible[source] = assessments[.delivery]?.sources[source] ?? assessments[.payment]?.sources[source]
        }
        self.compatible = Assessment(compatible)
        // The weight of settled payments counts each as two.
        let settled = ((assessments[.payment]?.sources[.paid]?.alpha ?? flat.alpha) - flat.alpha) / 2
        judgement = Judgement.of(
            composition.endToEnd,
            evidence: evidence,
            kinds: sources.count,
            settledPayments: settled,
            hasCriticalFlag: hasCriticalFlag
        )
    }

    /// What a successful call is expected to cost: paying does not help when nothing comes back.
    ///
    /// - Parameters:
    ///   - price: in msat.
    ///   - fee: of the payment, in msat.
    public func expectedCostMsat(price: Int64, fee: Int64) -> Double? {
        let delivered = [Stage.delivery, .quality].reduce(1) { $0 * (composition.beliefs[$1]?.mean ?? 0) }
        return delivered > 0 ? (Double(price) + Double(fee)) / delivered : nil
    }
}
