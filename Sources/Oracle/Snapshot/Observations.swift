// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// What was observed of one target (at one stage, for a service), and what was to be expected of it.
struct Observations: Sendable {
    /// Outcomes by age.
    struct Activity: Sendable {
        var last24h = 0
        var last7d = 0
        var last30d = 0
    }

    /// A belief per source; empty without outcomes.
    var beliefs: [EvidenceSource: Posterior] = [:]
    /// What is expected without them.
    var prior = PriorChain.Prior.flat
    var activity = Activity()
    /// The last 7 UTC days, and the 23 before them.
    var recent = RiskLevel.Window(successes: 0, total: 0)
    var earlier = RiskLevel.Window(successes: 0, total: 0)
    /// The published success probability about a day, a week and a month ago.
    var yesterday: Double?
    var lastWeek: Double?
    var lastMonth: Double?

    /// Share of the checks of 7 days that worked.
    var uptime7d: Double? { recent.total > 0 ? recent.successes / recent.total : nil }

    /// A target of which nothing is known.
    static let none = Observations()
}
