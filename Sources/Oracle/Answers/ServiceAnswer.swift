// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import TrustScore

/// What is known of one service (`/api/endpoint/{url_hash}`).
public struct ServiceAnswer: Encodable, Sendable {
    public struct AdvisoryBlock: Encodable, Sendable {
        public let advisory_level: String
        public let risk_score: Double
        public let advisories: [VerdictAnswer.Reason]
        public let recommendation: String
    }

    public struct Metadata: Encodable, Sendable {
        public let url: String
        public let method: String
        @OrNull public var name: String?
        @OrNull public var description: String?
        @OrNull public var category: String?
        @OrNull public var provider: String?
        @OrNull public var priceSats: Int64?
        /// Whether the price was asked for in an invoice, rather than advertised.
        public let priceObserved: Bool
        public let source: String
        public let sources: [String]
        @OrNull public var consumption_type: String?
        @OrNull public var provider_contact: String?
        @OrNull public var reliability_score: Double?
        @OrNull public var uptime_30d: Double?
        public let deprecated: Bool
        @OrNull public var deprecated_reason: String?
    }

    public struct HTTP: Encodable, Sendable {
        public let status: Int
        /// What the answer was: `l402`, `open`, `protocol_x402` and so on.
        @OrNull public var answer: String?
        @OrNull public var invoice: String?
        @OrNull public var tokenFormat: String?
        @OrNull public var latencyMs: Int?
        @OrNull public var medianLatencyMs: Double?
        @OrNull public var uptimeRatio: Double?
        public let checkCount: Int64
        @OrNull public var lastCheckedAt: Int64?
        @OrNull public var lastProbeAgeSec: Int64?
    }

    public struct Node: Encodable, Sendable {
        public let publicKeyHash: String
        @OrNull public var alias: String?
    }

    public struct PaidProbe: Encodable, Sendable {
        public let at: Int64
        public let outcome: String
    }

    public let urlHash: String
    /// Of the whole call.
    public let bayesian: BayesianBlock
    public let stages: StageBlock
    public let advisory: AdvisoryBlock
    public let metadata: Metadata
    @OrNull public var http: HTTP?
    @OrNull public var node: Node?
    @OrNull public var lastPaidProbe: PaidProbe?
    @OrNull public var operator_id: String?
}

extension ServiceAnswer {
    init(_ record: ServiceRecord, _ nodes: ScoreSnapshot, now: Int64) {
        let assessment = record.assessment(at: now)
        let checks = record.checks
        urlHash = record.hash.hex
        bayesian = BayesianBlock(record, assessment)
        stages = StageBlock(record, assessment)
        advisory = AdvisoryBlock(record, assessment, now: now)
        metadata = Metadata(record)
        http = checks.status.map { status in
            HTTP(
                status: status,
                answer: checks.answer,
                invoice: checks.invoice,
                tokenFormat: checks.tokenFormat,
                latencyMs: checks.latencyMs,
                medianLatencyMs: checks.medianLatencyMs.map(rounded),
                uptimeRatio: checks.uptime.map(rounded),
                checkCount: checks.count,
                lastCheckedAt: checks.lastCheckedAt,
                lastProbeAgeSec: checks.lastCheckedAt.map { max(0, now - $0) }
            )
        }
        node = record.payee.map { payee in
            let hash = NodeHash(of: payee)
            return Node(publicKeyHash: hash.hex, alias: nodes.record(.hash(hash))?.alias)
        }
        operator_id = record.operatorID
        if let at = checks.lastPaidAt, let outcome = checks.lastPaidOutcome {
            lastPaidProbe = PaidProbe(at: at, outcome: outcome)
        } else {
            lastPaidProbe = nil
        }
    }
}

extension ServiceAnswer.Metadata {
    init(_ record: ServiceRecord) {
        let listing = record.listing
        self.init(
            url: record.url,
            method: record.method,
            name: listing.name,
            description: listing.description,
            category: listing.category,
            provider: listing.provider,
            priceSats: record.priceSats,
            priceObserved: record.isPriceObserved,
            source: listing.sources.first ?? "ad_hoc",
            sources: listing.sources,
            consumption_type: listing.consumptionType,
            provider_contact: listing.contact,
            reliability_score: listing.reliability,
            uptime_30d: listing.uptime30d,
            deprecated: record.isDeprecated,
            deprecated_reason: record.deprecatedReason
        )
    }
}

extension ServiceAnswer.AdvisoryBlock {
    init(_ record: ServiceRecord, _ assessment: ServiceAssessment, now: Int64) {
        let interval = assessment.judgement.belief.interval()
        let advisory = Advisory(
            flags: [],
            reachability: record.stages[.challenge]?.uptime7d,
            change7d: nil,
            interval: interval,
            freshness: record.checks.lastCheckedAt.map { .checked(age: now - $0) } ?? .neverChecked
        )
        advisory_level = advisory.level.rawValue
        risk_score = advisory.riskScore
        advisories = advisory.entries.map(VerdictAnswer.Reason.init)
        recommendation =
            advisory.recommendation(
                verdict: assessment.judgement.verdict,
                lowerBound: interval.lowerBound,
                hasCriticalFlag: false,
                isServiceDown: record.checks.health == "down" || record.isDeprecated
            ).rawValue
    }
}

extension VerdictAnswer.Reason {
    init(_ entry: Advisory.Entry) {
        self.init(
            code: entry.code.rawValue,
            level: entry.severity.rawValue,
            msg: entry.message,
            signal_strength: entry.strength
        )
    }
}
