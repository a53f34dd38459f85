// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// One request that was answered.
public struct Exchange: Sendable {
    public let server: TimeServer
    public let endpoint: Endpoint
    /// The packets, and what ties them to those before.
    public let link: ChainLink
    public let response: VerifiedResponse
    /// When the request left and the answer came, in microseconds of the clock that cannot be set.
    public let sent: Int64
    public let received: Int64
    /// Number of the try that was answered, from 1.
    public let tries: Int

    /// Microseconds between the request and the answer.
    public var roundTrip: Int64 { received - sent }

    /// How far the local clock may be off by this answer.
    ///
    /// - Parameter now: both clocks at any one moment since; the offset is that of this moment.
    public func interval(_ now: LocalClock.Reading) -> ClockQuorum.Interval {
        ClockQuorum.Interval(response, sent: now.unix(at: sent), received: now.unix(at: received))
    }
}

/// What goes into NONC.
public struct Nonce: Sendable, Equatable {
    public let bytes: [UInt8]
    /// The random bytes that were mixed in; nil for the first nonce of a chain.
    public let blind: [UInt8]?

    public init(bytes: [UInt8], blind: [UInt8]? = nil) {
        self.bytes = bytes
        self.blind = blind
    }

    /// Nobody can guess it.
    public static func random(length: Int) -> Nonce { Nonce(bytes: randomBytes(length)) }

    /// Proves that the request was made after an answer.
    public static func following(_ response: [UInt8], length: Int) -> Nonce {
        let blind = randomBytes(length)
        return Nonce(bytes: ChainLink.nonce(after: response, blind: blind, length: length), blind: blind)
    }

    static func randomBytes(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
