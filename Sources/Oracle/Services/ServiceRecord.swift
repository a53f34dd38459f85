// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives
internal import TrustScore

/// Everything the oracle knows of one L402 service.
struct ServiceRecord: Sendable {
    /// What directories and its owner say.
    struct Listing: Sendable {
        let name: String?
        let description: String?
        let category: String?
        let provider: String?
        let contact: String?
        let consumptionType: String?
        let sources: [String]
        /// 0 to 1.
        let uptime30d: Double?
        /// 0 to 100.
        let reliability: Double?
    }

    /// What our own checks found.
    struct Checks: Sendable {
        let answer: String?
        let invoice: String?
        let tokenFormat: String?
        /// 0 when no answer came; `nil` before the first check.
        let status: Int?
        let latencyMs: Int?
        let medianLatencyMs: Double?
        /// Unix seconds.
        let lastCheckedAt: Int64?
        let count: Int64
        let successes: Int64
        let lastPaidAt: Int64?
        let lastPaidOutcome: String?

        /// Share of good checks; `nil` under three.
        var uptime: Double? { count >= 3 ? Double(successes) / Double(count) : nil }

        /// Redirects and demands for payment are as good as content.
        var health: String? {
            switch status {
            case nil: nil
            case .some(200..<300), 301, 302, 307, 308, 402: "healthy"
            case .some(400..<500): "degraded"
            case .some: "down"
            }
        }
    }

    /// SHA-256 of the canonical URL.
    let hash: ServiceHash
    let url: String
    let method: String
    let host: String
    let listing: Listing
    let checks: Checks
    /// What its last invoice asked for, else what is advertised, in msat.
    let priceMsat: Int64?
    let isPriceObserved: Bool
    let payee: NodeID?
    let operatorID: String?
    let isDeprecated: Bool
    let deprecatedReason: String?
    let stages: [Stage: Observations]

    /// The assessment as of a time.
    func assessment(at time: Int64) -> ServiceAssessment {
        ServiceAssessment(
            stages.mapValues { $0.beliefs.mapValues { $0.distribution(at: time) } },
            priors: stages.mapValues(\.prior.distribution)
        )
    }

    /// Unix seconds of the newest outcome at any stage.
    var lastOutcome: Int64? { stages.values.flatMap { $0.beliefs.values.compactMap(\.lastUpdate) }.max() }

    /// The price in whole sat, rounded up; `nil` when unknown.
    var priceSats: Int64? { priceMsat.map { ($0 + 999) / 1000 } }
}

/// The name of a service in the API: SHA-256 of its canonical URL.
public struct ServiceHash: Bytes32 {
    public let words: (UInt64, UInt64, UInt64, UInt64)

    public init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    public var description: String { hex }
}
