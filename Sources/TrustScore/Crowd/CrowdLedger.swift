// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How much strangers have said about one service, kept within bounds.
///
/// One reporter adds at most 1 per day; unproven reports together at most a quarter of our own evidence; all reports
/// together at most our own evidence and three. So no crowd outvotes what we saw ourselves.
public struct CrowdLedger: Sendable {
    private struct Day: Hashable {
        let identity: [UInt8]
        let day: Int64
    }

    /// A sum that fades as the evidence does.
    private struct FadingSum {
        private var value = 0.0
        private var time: Int64 = 0

        func value(at now: Int64) -> Double {
            value * exp(-max(0, Double(now) - Double(time)) / EvidenceSource.report.timeConstant)
        }

        mutating func add(_ amount: Double, at now: Int64) {
            value = value(at: now) + amount
            time = max(time, now)
        }
    }

    public static let dailyLimit = 1.0
    public static let unprovenShare = 0.25
    public static let allowance = 3.0

    private var days: [Day: Double] = [:]
    private var unproven = FadingSum()
    private var all = FadingSum()

    public init() {}

    /// Takes a report in, with what of its weight still fits.
    ///
    /// - Parameter ownEvidence: the weight of our own outcomes of the service now.
    /// - Returns: the weight to fold in, more than 0.
    public mutating func admit(_ accepted: CrowdRules.Accepted, ownEvidence: Double) throws(CrowdRules.Refusal)
        -> Double
    {
        let now = accepted.report.receivedAt
        let own = max(0, ownEvidence)
        let day = Day(identity: accepted.report.identity, day: accepted.time / 86_400)
        var room = min(Self.dailyLimit - days[day, default: 0], own + Self.allowance - all.value(at: now))
        if !accepted.isProven { room = min(room, Self.unprovenShare * own - unproven.value(at: now)) }
        let weight = min(accepted.weight, room)
        guard weight > 0 else { throw .capReached }
        days[day, default: 0] += weight
        all.add(weight, at: now)
        if !accepted.isProven { unproven.add(weight, at: now) }
        return weight
    }

    /// Forgets days that no new report can belong to.
    public mutating func forgetDays(before day: Int64) { days = days.filter { $0.key.day >= day } }
}

/// Takes stored reports in one by one: a row that cannot be taken in never holds up the others.
public struct CrowdConsolidation: Sendable {
    /// What became of a row.
    public enum Outcome: Sendable, Hashable {
        case folded(weight: Double)
        case refused(CrowdRules.Refusal)
        /// Failed for the first time; tried once more.
        case retry(reason: String)
        /// Failed twice; put aside for a person to look at.
        case parked(reason: String)
    }

    private var failed: Set<Int64> = []

    public init() {}

    /// Takes one row in.
    ///
    /// - Parameters:
    ///   - id: of the row, to recognise it when it comes again.
    ///   - fold: judges and writes; what it throws concerns this row only.
    public mutating func take(_ id: Int64, _ fold: () throws -> Double) -> Outcome {
        do {
            let weight = try fold()
            failed.remove(id)
            return .folded(weight: weight)
        } catch let refusal as CrowdRules.Refusal {
            failed.remove(id)
            return .refused(refusal)
        } catch {
            let reason = String(describing: error)
            guard failed.insert(id).inserted else {
                failed.remove(id)
                return .parked(reason: reason)
            }
            return .retry(reason: reason)
        }
    }
}
