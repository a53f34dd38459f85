// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import LightningGraph
internal import TrustScore

/// The JSON column of `graph_passes`.
struct PassDocument {
    private let encoder: JSONEncoder

    init() {
        encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
    }

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
