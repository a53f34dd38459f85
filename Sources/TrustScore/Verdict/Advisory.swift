// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A graded warning with its reasons (SatRank's advisory block).
public struct Advisory: Sendable, Hashable {
    public enum Level: String, Sendable, Hashable, Codable {
        case green, yellow, orange, red
        /// Green, but the last check is an hour old or there was none.
        case insufficientFreshness = "insufficient_freshness"
    }

    public enum Severity: String, Sendable, Hashable, Codable { case info, warning, critical }

    public enum Code: String, Sendable, Hashable, Codable {
        case criticalFlag = "CRITICAL_FLAG"
        case lowReachability = "LOW_REACHABILITY"
        case intermittent = "INTERMITTENT"
        case posteriorDecline = "POSTERIOR_DECLINE"
        case uncertainPosterior = "UNCERTAIN_POSTERIOR"
        case operatorUnverified = "OPERATOR_UNVERIFIED"
        case insufficientFreshness = "INSUFFICIENT_FRESHNESS"
    }

    /// One reason.
    public struct Entry: Sendable, Hashable {
        public let code: Code
        public let severity: Severity
        /// One sentence for a person.
        public let message: String
        /// 0 to 1, three decimals.
        public let strength: Double
    }

    /// How old the newest check is, where the caller knows about checks at all.
    public enum Freshness: Sendable, Hashable {
        case notApplicable
        case neverChecked
        /// Seconds since the check.
        case checked(age: Int64)

        fileprivate var isStale: Bool {
            switch self {
            case .notApplicable: false
            case .neverChecked: true
            case .checked(let age): age >= 3600
            }
        }
    }

    /// What the operator of a target has proven.
    public enum OperatorStatus: Sendable, Hashable { case notApplicable, verified, pending, rejected }

    public enum Recommendation: String, Sendable, Hashable, Codable {
        case avoid, proceed
        case considerAlternative = "consider_alternative"
        case proceedWithCaution = "proceed_with_caution"
    }

    public let level: Level
    /// 0 to 1, three decimals.
    public let riskScore: Double
    public let entries: [Entry]

    /// Grades a target.
    ///
    /// - Parameters:
    ///   - reachability: 0 to 1; `nil` when unknown, which adds no risk.
    ///   - change7d: change of the success probability over 7 days.
    ///   - interval: the 95 % interval of the success probability.
    public init(
        flags: some Collection<Flag>,
        reachability: Double?,
        change7d: Double?,
        interval: ClosedRange<Double>,
        freshness: Freshness = .notApplicable,
        operatorStatus: OperatorStatus = .notApplicable
    ) {
        let isCritical = flags.contains(where: \.isCritical)
        let width = interval.upperBound - interval.lowerBound
        let decline = min(1, max(0, -(change7d ?? 0) / 0.20))
        let missing = reachability.map { 1 - $0 } ?? 0
        let risk = (isCritical ? 0.40 : 0) + 0.25 * missing + 0.20 * decline + 0.15 * min(1, width / 0.5)
        var entries = Self.entries(
            isCritical: isCritical,
            reachability: reachability,
            change7d: change7d,
            width: width,
            operatorStatus: operatorStatus
        )
        var level = Self.level(risk)
        if level == .green, freshness.isStale {
            level = .insufficientFreshness
            entries.append(
                Entry(
                    code: .insufficientFreshness,
                    severity: .info,
                    message: "The last check is more than an hour old, or there was none.",
                    strength: 0.5
                )
            )
        }
        self.level = level
        riskScore = roundHalfUp(risk, decimals: 3)
        self.entries = entries
    }

    /// What to do, given the verdict on the same target.
    public func recommendation(
        verdict: Verdict,
        lowerBound: Double,
        hasCriticalFlag: Bool,
        isServiceDown: Bool = false
    ) -> Recommendation {
        if verdict == .risky || level == .red || hasCriticalFlag || isServiceDown { return .avoid }
        if level == .orange { return .considerAlternative }
        if verdict == .safe, level == .green, lowerBound >= 0.70 { return .proceed }
        return .proceedWithCaution
    }

    private static func level(_ risk: Double) -> Level {
        switch risk {
        case ..<0.15: .green
        case ..<0.35: .yellow
        case ..<0.60: .orange
        default: .red
        }
    }

    private static func entries(
        isCritical: Bool,
        reachability: Double?,
        change7d: Double?,
        width: Double,
        operatorStatus: OperatorStatus
    ) -> [Entry] {
        var entries: [Entry] = []
        func add(_ code: Code, _ severity: Severity, _ strength: Double, _ message: String) {
            let strength = roundHalfUp(min(1, max(0, strength)), decimals: 3)
            entries.append(Entry(code: code, severity: severity, message: message, strength: strength))
        }
        if isCritical { add(.criticalFlag, .critical, 1, "A critical flag is set.") }
        if let reachability, reachability < 0.1 {
            add(.lowReachability, .critical, 1 - reachability, "Hardly any attempt reaches the target.")
        } else if let reachability, reachability < 0.5 {
            add(.intermittent, .warning, 1 - reachability, "Fewer than half of the attempts reach the target.")
        }
        if let change7d, change7d < -0.05 {
            add(.posteriorDecline, .warning, -change7d / 0.20, "The success probability fell within 7 days.")
        }
        if width >= 0.25 {
            add(.uncertainPosterior, .info, width, "There is little evidence: the 95 % interval is wide.")
        }
        switch operatorStatus {
        case .pending: add(.operatorUnverified, .info, 0.3, "The operator has not proven who they are.")
        case .rejected: add(.operatorUnverified, .warning, 0.6, "The operator failed to prove who they are.")
        case .verified, .notApplicable: break
        }
        return entries
    }
}
