// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// Where a service was heard of.
public enum ServiceSource: String, Sendable, Hashable, CaseIterable, Codable {
    case index402 = "402index"
    case l402Directory = "l402.directory"
    /// Its owner told us.
    case selfRegistered = "self_registered"
    /// Somebody asked us to probe it.
    case adHoc = "ad_hoc"
}

/// A service as a directory lists it: hearsay, cleaned and cut to size.
public struct ListedService: Sendable, Hashable {
    public let source: ServiceSource
    public var url: String
    /// `GET` or `POST`.
    public var method: String
    public var name: String?
    public var description: String?
    public var category: String?
    public var provider: String?
    public var providerContact: String?
    public var consumptionType: String?
    public var price: MilliSatoshi?
    public var signals: UpstreamSignals?

    public init(source: ServiceSource, url: String, method: String = "GET") {
        self.source = source
        self.url = url
        self.method = method
    }
}

/// What a directory has measured itself: no evidence of ours, but a hint.
public struct UpstreamSignals: Sendable, Hashable {
    public var health: String?
    /// 0 to 1.
    public var uptime30d: Double?
    public var latencyP50Ms: Int?
    /// 0 to 100.
    public var reliability: Double?
    /// Unix seconds.
    public var lastChecked: Int64?

    public init(
        health: String? = nil,
        uptime30d: Double? = nil,
        latencyP50Ms: Int? = nil,
        reliability: Double? = nil,
        lastChecked: Int64? = nil
    ) {
        self.health = health
        self.uptime30d = uptime30d
        self.latencyP50Ms = latencyP50Ms
        self.reliability = reliability
        self.lastChecked = lastChecked
    }

    /// The mass of the hint as a prior.
    public static let priorMass = 3.0

    /// The hint as a probability, kept away from certainty: 0.05 to 0.95; `nil` without a rating.
    public var priorMean: Double? { reliability.map { min(0.95, max(0.05, $0 / 100)) } }
}

/// One page of a directory.
public struct RegistryPage: Sendable, Hashable {
    public var services: [ListedService] = []
    /// Rows left out, by reason: `template`, `url`, `protocol`, `not_live`, `free`, `malformed`.
    public var skipped: [String: Int] = [:]
    /// Rows of the page, kept or not.
    public var rows = 0

    public init() {}

    mutating func skip(_ reason: String) { skipped[reason, default: 0] += 1 }
}
