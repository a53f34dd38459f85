// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import TrustScore

/// How what was published fared within a week, as it is stored and shown.
public struct CalibrationReport: Sendable, Codable {
    /// What was foretold.
    public enum Subject: String, Sendable, Codable, CaseIterable {
        case node, endpoint
        /// Whole paths of our own payments and HTLC probes.
        case path
    }

    /// Forecasts that belong together.
    public struct Group: Sendable, Codable {
        public let subject: Subject
        /// The stage of an L402 call; absent for nodes and paths.
        public let stage: Stage?
        public let source: EvidenceSource?
        public let figures: CalibrationFigures

        /// Such as `endpoint/payment/paid`.
        public var name: String {
            ([subject.rawValue] + [stage?.rawValue, source?.rawValue].compactMap { $0 }).joined(separator: "/")
        }
    }

    /// A target and stage that SatRank's figure blames most.
    public struct Delta: Sendable, Codable {
        public let endpoint_url_hash: String
        public let stage: Stage
        public let predicted: Double
        public let observed: Double
        public let delta: Double
        public let n_outcomes: Int
    }

    /// SatRank's figures of the same week.
    public struct Compatible: Sendable, Codable {
        public let delta_mean: Double
        public let delta_median: Double
        public let delta_p95: Double
        public let n_endpoints: Int
        public let n_outcomes: Int
        /// The 20 largest.
        public let top_deltas: [Delta]
    }

    /// Unix seconds; the end is not part of the window.
    public let window_start: Int64
    public let window_end: Int64
    public let n_outcomes: Int
    public let n_targets: Int
    /// Whether there were more outcomes than are looked at; the newest were.
    public let is_truncated: Bool
    public let overall: CalibrationFigures
    public let groups: [Group]
    public let compat: Compatible?
}
