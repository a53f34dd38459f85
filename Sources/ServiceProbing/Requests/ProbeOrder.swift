// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
public import LightningPrimitives

/// A probe that a caller of the API asks for.
public struct ProbeOrder: Sendable, Hashable {
    public let id: ProbeID
    public let url: String
    /// Ask and read the invoice, but do not pay.
    public let isDryRun: Bool
    /// Whether the result holds the token and its preimage, which are worth what was paid.
    public let includesCredential: Bool
    /// What the target's invoice may ask for.
    public let maximum: MilliSatoshi
    public let feeLimit: MilliSatoshi
    /// Who pays, for the limits: 32 bytes that tell one payment from another; `nil` for the operator.
    public let holder: [UInt8]?
    /// The network that it comes from, for the limits; `nil` for the operator.
    public let source: String?

    public init(
        id: ProbeID = .random(),
        url: String,
        isDryRun: Bool,
        includesCredential: Bool,
        maximum: MilliSatoshi,
        feeLimit: MilliSatoshi,
        holder: [UInt8]?,
        source: String? = nil
    ) {
        self.id = id
        self.url = url
        self.isDryRun = isDryRun
        self.includesCredential = includesCredential
        self.maximum = maximum
        self.feeLimit = feeLimit
        self.holder = holder
        self.source = source
    }
}

/// Names a probe: 16 random bytes.
public struct ProbeID: Sendable, Hashable, CustomStringConvertible {
    public let bytes: [UInt8]

    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads 32 hexadecimal digits.
    public init?(_ text: String) {
        guard let bytes = Hex.decode(text) else { return nil }
        self.init(bytes)
    }

    private init(drawn bytes: [UInt8]) { self.bytes = bytes }

    public static func random() -> ProbeID {
        var generator = SystemRandomNumberGenerator()
        return ProbeID(drawn: (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
    }

    public var description: String { Hex.encode(bytes) }
}

/// How many probes callers may ask for.
///
/// One payment or network gets half of the hour at most, the next half of the rest, so none uses up the others' share;
/// looks get half of it together.
public struct ProbeLimits: Sendable, Hashable {
    public var perHour: Int
    public var perHolderAndHour: Int

    public init(perHour: Int = 20, perHolderAndHour: Int = 10) {
        self.perHour = perHour
        self.perHolderAndHour = perHolderAndHour
    }
}

/// Which price is due for a probe, besides what was spent.
public enum ProbeBilling: String, Sendable, Hashable, Codable {
    /// That of a probe: the service was paid.
    case probe
    /// That of a look: the service was asked, and nothing could be bought.
    case look
    /// None: it failed on our side.
    case none
}

/// How a probe stands.
public struct ProbeStatus: Sendable {
    public enum State: String, Sendable, Hashable, Codable { case queued, running, done, dropped }

    public let state: State
    public let result: ProbeResult?
    public let spent: MilliSatoshi
    public let billing: ProbeBilling
}
