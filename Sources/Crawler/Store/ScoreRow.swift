// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningGraph
internal import LightningPrimitives
internal import TrustScore

/// What `node_scores` keeps of a node, rounded so that a movement nobody could notice rewrites no row.
///
/// The figures travel as numbers and the database makes the JSON columns of them: encoding 50,000 small documents here
/// took longer than everything else that a pass computes.
struct ScoreRow: Sendable, Hashable {
    /// In the order of ``columns``; `nil` is absent from the document it would stand in.
    let figures: [Double?]

    init(_ result: NodeScoring.Result) {
        let score = result.score
        let compatible = result.compatible.components
        var figures: [Double?] = [
            score.score, result.percentile, result.compatible.score,
            Double(compatible.volume), Double(compatible.reputation), Double(compatible.seniority),
            Double(compatible.regularity), Double(compatible.diversity),
        ]
        figures.reserveCapacity(Self.columns.count)
        for component in NodeScore.Component.allCases {
            figures.append(score.values[component].map { roundHalfUp($0, decimals: 4) })
        }
        for path in result.paths {
            figures.append(path.map { roundHalfUp($0.probability, decimals: 4) })
            figures.append(path.map { Double($0.hops) })
            figures.append(path.map { Double($0.fee.msat) })
        }
        self.figures = figures
    }

    /// The columns of the table that takes the rows, all double precision.
    static let columns =
        ["score", "pr_percentile", "compat_score"] + compatible + NodeScore.Component.allCases.map(\.rawValue)
        + PassOptions.tiers.flatMap { ["p_\($0)", "hops_\($0)", "fee_\($0)"] }

    /// SQL that makes the JSON column `compat_components`.
    static let compatibleDocument = object(compatible.map { ($0, "\($0)::integer") })

    /// SQL that makes the JSON column `components`: those that are there.
    static let componentsDocument =
        "jsonb_strip_nulls(\(object(NodeScore.Component.allCases.map { ($0.rawValue, $0.rawValue) })))"

    /// SQL that makes the JSON column `p_reach`: the best path by amount in sat; an amount without a path is absent.
    static let reachDocument =
        "jsonb_strip_nulls(\(object(PassOptions.tiers.map { (String($0), reach(tier: $0)) })))"

    private static let compatible = ["volume", "reputation", "seniority", "regularity", "diversity"]

    private static func reach(tier: Int64) -> String {
        let path = object([("p", "p_\(tier)"), ("hops", "hops_\(tier)::integer"), ("fee_msat", "fee_\(tier)::bigint")])
        return "CASE WHEN p_\(tier) IS NOT NULL THEN \(path) END"
    }

    private static func object(_ members: [(name: String, value: String)]) -> String {
        "jsonb_build_object(\(members.map { "'\($0.name)', \($0.value)" }.joined(separator: ", ")))"
    }
}
