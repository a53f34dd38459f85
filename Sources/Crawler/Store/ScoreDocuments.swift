// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningGraph
internal import LightningPrimitives
internal import TrustScore

/// The JSON columns of `node_scores` and `graph_passes`.
struct ScoreDocuments {
    private let encoder: JSONEncoder

    init() {
        encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
    }

    /// A path as the API shows it.
    private struct Path: Encodable {
        let p: Double
        let hops: Int
        let fee_msat: Int64
    }

    /// Every component with its value, at six decimals.
    func components(_ score: NodeScore) throws -> String {
        try text(
            Dictionary(
                uniqueKeysWithValues: score.values.map { ($0.key.rawValue, roundHalfUp($0.value, decimals: 6)) }
            )
        )
    }

    /// The best path by amount in sat; an amount without a path is absent.
    func reach(_ paths: [Reachability.Path?]) throws -> String {
        var document: [String: Path] = [:]
        for (tier, path) in zip(PassOptions.tiers, paths) {
            guard let path else { continue }
            let probability = roundHalfUp(path.probability, decimals: 6)
            document[String(tier)] = Path(p: probability, hops: path.hops, fee_msat: path.fee.msat)
        }
        return try text(document)
    }

    func components(_ score: CompatibleNodeScore) throws -> String { try text(score.components) }

    /// What a pass did, as far as rows and times go.
    func report(_ report: PassReport) throws -> String {
        var steps: [String: Double] = [:]
        for (step, duration) in report.steps { steps["\(step.rawValue)_ms"] = milliseconds(duration) }
        var counts: [String: Int] = [
            "bytes": report.reading.bytes,
            "bad_elements": report.reading.badElements,
            "bad_policies": report.reading.badPolicies,
            "seeds": report.seeds,
        ]
        for (tier, count) in report.reachable { counts["reachable_\(tier)"] = count }
        return try text(Document(steps: steps, counts: counts))
    }

    private struct Document: Encodable {
        let steps: [String: Double]
        let counts: [String: Int]
    }

    private func milliseconds(_ duration: Duration) -> Double {
        roundHalfUp(duration / .milliseconds(1), decimals: 1)
    }

    private func text(_ value: some Encodable) throws -> String {
        String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
