// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import TrustScore

/// A page of services (`/api/services`).
public struct ServiceListing: Sendable {
    public struct Row: Encodable, Sendable {
        public let urlHash: String
        @OrNull public var name: String?
        @OrNull public var description: String?
        @OrNull public var category: String?
        @OrNull public var provider: String?
        public let url: String
        public let method: String
        @OrNull public var priceSats: Int64?
        @OrNull public var httpHealth: String?
        @OrNull public var uptimeRatio: Double?
        @OrNull public var latencyMs: Int?
        @OrNull public var medianLatencyMs: Double?
        @OrNull public var lastCheckedAt: Int64?
        @OrNull public var lastProbeAgeSec: Int64?
        public let sources: [String]
        @OrNull public var consumption_type: String?
        @OrNull public var provider_contact: String?
        @OrNull public var reliability_score: Double?
        @OrNull public var uptime_30d: Double?
        /// That a whole call works.
        public let p_e2e: Double
        @OrNull public var p_e2e_measured: Double?
        public let n_obs: Double
        public let verdict: String
        public let measured_stages: Int
        @OrNull public var node: Node?
    }

    public struct Node: Encodable, Sendable {
        public let publicKeyHash: String
        @OrNull public var alias: String?
        public let bayesian: BayesianBlock
    }

    public struct Meta: Encodable, Sendable {
        /// Services that match, on all pages.
        public let total: Int
        public let limit: Int
        public let offset: Int
    }

    /// A category with its services.
    public struct Category: Encodable, Sendable {
        public let category: String
        public let count: Int
    }

    public let data: [Row]
    public let meta: Meta
}

extension ServiceSnapshot {
    /// A page of services; every filter and the order apply to all of them, before the page is cut.
    public func list(_ query: ServiceQuery, nodes: ScoreSnapshot, now: Int64) -> ServiceListing {
        let matches = entries.filter(query.matches).map { (key: query.key($0), entry: $0) }.sorted {
            $0.key != $1.key ? $0.key < $1.key : $0.entry.record.hash.hex < $1.entry.record.hash.hex
        }
        let page = matches.dropFirst(query.offset).prefix(query.limit)
        return ServiceListing(
            data: page.map { ServiceListing.Row($0.entry, nodes, now: now) },
            meta: ServiceListing.Meta(total: matches.count, limit: query.limit, offset: query.offset)
        )
    }

    /// The categories of services that are in use, the largest first.
    public func categories() -> [ServiceListing.Category] {
        var counts: [String: Int] = [:]
        for entry in entries where !entry.record.isDeprecated {
            if let category = entry.record.listing.category { counts[category, default: 0] += 1 }
        }
        return counts.map { ServiceListing.Category(category: $0.key, count: $0.value) }
            .sorted { $0.count != $1.count ? $0.count > $1.count : $0.category < $1.category }
    }

    /// All that is known of a service, or `nil` for one that is not in the catalogue.
    public func answer(_ hash: ServiceHash, nodes: ScoreSnapshot, now: Int64) -> ServiceAnswer? {
        entry(hash).map { ServiceAnswer($0.record, nodes, now: now) }
    }
}

extension ServiceListing.Row {
    init(_ entry: ServiceSnapshot.Entry, _ nodes: ScoreSnapshot, now: Int64) {
        let (record, assessment) = (entry.record, entry.assessment)
        let (listing, checks) = (record.listing, record.checks)
        self.init(
            urlHash: record.hash.hex,
            name: listing.name,
            description: listing.description,
            category: listing.category,
            provider: listing.provider,
            url: record.url,
            method: record.method,
            priceSats: record.priceSats,
            httpHealth: checks.health,
            uptimeRatio: checks.uptime.map(rounded),
            latencyMs: checks.latencyMs,
            medianLatencyMs: checks.medianLatencyMs.map(rounded),
            lastCheckedAt: checks.lastCheckedAt,
            lastProbeAgeSec: checks.lastCheckedAt.map { max(0, now - $0) },
            sources: listing.sources,
            consumption_type: listing.consumptionType,
            provider_contact: listing.contact,
            reliability_score: listing.reliability,
            uptime_30d: listing.uptime30d,
            p_e2e: rounded(assessment.composition.endToEnd.mean),
            p_e2e_measured: assessment.composition.measured.map { rounded($0.probability) },
            n_obs: rounded(assessment.evidence),
            verdict: assessment.judgement.verdict.rawValue,
            measured_stages: assessment.composition.measuredStages.count,
            node: record.payee.map { payee in
                let hash = NodeHash(of: payee)
                let node = nodes.record(.hash(hash))
                return ServiceListing.Node(
                    publicKeyHash: hash.hex,
                    alias: node?.alias,
                    bayesian: BayesianBlock(node, at: now)
                )
            }
        )
    }
}
