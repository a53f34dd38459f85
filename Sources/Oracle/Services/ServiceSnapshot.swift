// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import TrustScore

/// The catalogue at one moment, in memory.
public struct ServiceSnapshot: Sendable {
    /// A service with its assessment as of the loading.
    struct Entry: Sendable {
        let record: ServiceRecord
        let assessment: ServiceAssessment
        /// Lower-case text that a search looks at.
        let text: String
    }

    let entries: [Entry]
    private let byHash: [ServiceHash: Int]

    init(_ records: [ServiceRecord] = [], now: Int64 = 0) {
        entries = records.map { record in
            let texts = [record.listing.name, record.listing.description, record.listing.provider, record.url]
            return Entry(
                record: record,
                assessment: record.assessment(at: now),
                text: texts.compactMap { $0 }.joined(separator: "\n").lowercased()
            )
        }
        byHash = Dictionary(
            entries.enumerated().map { ($0.element.record.hash, $0.offset) },
            uniquingKeysWith: { first, _ in first }
        )
    }

    func entry(_ hash: ServiceHash) -> Entry? { byHash[hash].map { entries[$0] } }

    /// The number of services that are in use.
    public var activeCount: Int { entries.count { !$0.record.isDeprecated } }
}

/// What a list of services is narrowed and ordered by.
public struct ServiceQuery: Sendable {
    /// What comes first.
    public enum Order: String, Sendable, CaseIterable {
        /// The best checked first.
        case checks
        case pSuccess = "p_success"
        case price, uptime, latency, reliability
        /// Expected sat per successful call.
        case cost
    }

    /// Part of name, description, provider or URL, whatever the case.
    public var text: String?
    public var category: String?
    /// 0 to 1.
    public var leastProbability: Double?
    /// 0 to 1; services with fewer than three checks fail it.
    public var leastUptime: Double?
    public var order = Order.checks
    public var limit = 20
    public var offset = 0
    /// Whether deprecated services and those that never showed a challenge are listed too.
    public var includesAll = false

    public init() {}

    func matches(_ entry: ServiceSnapshot.Entry) -> Bool {
        let record = entry.record
        if !includesAll, record.isDeprecated || record.checks.health == "down" || record.checks.health == "degraded" {
            return false
        }
        if let text, !entry.text.contains(text.lowercased()) { return false }
        if let category = category?.lowercased() {
            let own = record.listing.category?.lowercased() ?? ""
            guard own == category || own.hasPrefix(category + "/") else { return false }
        }
        if let leastProbability, entry.assessment.composition.endToEnd.mean < leastProbability { return false }
        if let leastUptime { guard let uptime = record.checks.uptime, uptime >= leastUptime else { return false } }
        return true
    }

    /// What is compared, smallest first; services without the figure come last.
    func key(_ entry: ServiceSnapshot.Entry) -> Double {
        let record = entry.record
        return switch order {
        case .checks: -Double(record.checks.count)
        case .pSuccess: -entry.assessment.composition.endToEnd.mean
        case .price: record.priceMsat.map(Double.init) ?? .infinity
        case .uptime: record.checks.uptime.map { -$0 } ?? .infinity
        case .latency: record.checks.medianLatencyMs ?? .infinity
        case .reliability: record.listing.reliability.map { -$0 } ?? .infinity
        case .cost:
            record.priceMsat.flatMap { entry.assessment.expectedCostMsat(price: $0, fee: 0) } ?? .infinity
        }
    }
}
