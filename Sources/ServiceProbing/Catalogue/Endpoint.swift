// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// A service in the catalogue, as its checks need it.
public struct Endpoint: Sendable, Hashable {
    /// 32 bytes.
    public let hash: [UInt8]
    public let url: String
    public let host: String
    /// `GET` or `POST`.
    public let method: String
    public let advertised: MilliSatoshi?
    /// Whether that is the owner's own word, rather than what somebody has told a directory.
    public let isAdvertisedByOwner: Bool
    /// What its last invoice asked for.
    public let price: MilliSatoshi?
    public let operatorID: [UInt8]?
    /// Seconds since somebody last asked for it.
    public let secondsSinceQuery: Double?
    /// That its challenge works, 0 to 1.
    public let challengeProbability: Double
    public let isDeprecated: Bool

    /// An endpoint that is in no catalogue.
    public init(unlisted url: String, hash: [UInt8], host: String, method: String = "GET") {
        self.hash = hash
        self.url = url
        self.host = host
        self.method = method
        advertised = nil
        isAdvertisedByOwner = false
        price = nil
        operatorID = nil
        secondsSinceQuery = nil
        challengeProbability = 0.5
        isDeprecated = false
    }

    init(
        hash: [UInt8],
        url: String,
        host: String,
        method: String,
        advertised: MilliSatoshi?,
        isAdvertisedByOwner: Bool,
        price: MilliSatoshi?,
        operatorID: [UInt8]?,
        secondsSinceQuery: Double?,
        challengeProbability: Double,
        isDeprecated: Bool
    ) {
        self.hash = hash
        self.url = url
        self.host = host
        self.method = method
        self.advertised = advertised
        self.isAdvertisedByOwner = isAdvertisedByOwner
        self.price = price
        self.operatorID = operatorID
        self.secondsSinceQuery = secondsSinceQuery
        self.challengeProbability = challengeProbability
        self.isDeprecated = isDeprecated
    }
}

/// How many endpoints of one host the catalogue takes.
public struct HostCaps: Sendable, Hashable {
    /// New ones in one run of a directory.
    public var perRun: Int
    /// In all.
    public var total: Int

    public init(perRun: Int = 50, total: Int = 100) {
        self.perRun = perRun
        self.total = total
    }
}
