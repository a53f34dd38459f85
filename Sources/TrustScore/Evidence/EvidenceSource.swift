// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Where an outcome was seen.
public enum EvidenceSource: String, Sendable, Hashable, CaseIterable, Codable {
    /// Our own free checks and HTLC probes.
    case probe
    /// Reports of others.
    case report
    /// Payments of our own.
    case paid

    /// After this many seconds an outcome weighs 1/e: 7 days for probes, 30 for what is rare.
    public var timeConstant: Double {
        switch self {
        case .probe: 7 * 86_400
        case .report, .paid: 30 * 86_400
        }
    }
}
