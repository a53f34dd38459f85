// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
public import LightningPrimitives
internal import NIOCore
internal import RequestLimits
internal import Roughtime
public import RoughtimeLink
internal import Synchronization
public import TimeArchive

/// What the routes of signed time need.
public struct TimeDesk: Sendable {
    /// Prices of the routes; zero is free.
    public struct Prices: Sendable {
        public var request = MilliSatoshi.zero
        public var batch = MilliSatoshi.zero

        public init(request: MilliSatoshi = .zero, batch: MilliSatoshi = .zero) {
            self.request = request
            self.batch = batch
        }
    }

    let link: ResponderLink
    let publicKey: [UInt8]
    let prices: Prices
    let reports: MalfeasanceStore?
    /// The host that the server list names; nil for the one a caller has used.
    let publicHost: String?
    /// Reports taken per source.
    let intake = ReportIntake()

    /// Makes a desk.
    ///
    /// - Parameters:
    ///   - publicKey: the responder's long-term key.
    ///   - reports: where reports of malfeasance are kept; nil takes none.
    public init(
        link: ResponderLink,
        publicKey: [UInt8],
        prices: Prices = Prices(),
        reports: MalfeasanceStore?,
        publicHost: String? = nil
    ) {
        self.link = link
        self.publicKey = publicKey
        self.prices = prices
        self.reports = reports
        self.publicHost = publicHost
    }

    /// Has a packet answered by the batcher that also serves UDP.
    func answer(_ packet: [UInt8]) async throws(APIError) -> Result<[UInt8], DropReason> {
        do {
            return try await link.answer(packet)
        } catch {
            throw .retryLater(.serviceUnavailable, "The time server does not answer; try again soon.", seconds: 1)
        }
    }

    func status() async throws(APIError) -> ResponderStatus {
        do {
            return try await link.status()
        } catch {
            throw .retryLater(.serviceUnavailable, "The time server does not answer; try again soon.", seconds: 1)
        }
    }
}

extension ResponderLink {
    /// Refuses what could not be served now.
    func requireReady() async throws(APIError) {
        let status: ResponderStatus
        do {
            status = try await self.status()
        } catch {
            throw .retryLater(.serviceUnavailable, "The time server does not answer; try again soon.", seconds: 1)
        }
        guard status.radius != nil else { throw APIError(DropReason.unsynchronised) }
        guard let delegation = status.delegation, Int64(Date().timeIntervalSince1970) < delegation.notAfter - 60 else {
            throw APIError(DropReason.noDelegation)
        }
    }
}

/// How many reports a network may bring in.
final class ReportIntake: Sendable {
    private static let perHour = 10.0
    private let buckets = Mutex(TokenBuckets<String>(rate: perHour / 3600, burst: perHour))

    func take(_ source: String) throws(APIError) {
        let answer = buckets.withLock { $0.take(source, now: MonotonicSeconds.now()) }
        guard !answer.isAllowed else { return }
        throw .retryLater(
            .rateLimited,
            "Ten reports an hour are taken from one network.",
            seconds: answer.retryAfterSeconds
        )
    }
}

extension APIError {
    /// What a caller is told when a packet gets no answer.
    init(_ reason: DropReason) {
        switch reason {
        case .version:
            self.init(.version, "No version in common, or a list of versions that breaks a rule.")
        case .srv: self.init(.srv, "SRV names a key that is not this server's.")
        case .stale: self = .retryLater(.serviceUnavailable, "Too many requests wait; try again soon.", seconds: 1)
        case .unsynchronised:
            self = .retryLater(
                .unsynchronised,
                "The server's clock is not synchronised, so it signs nothing.",
                seconds: 60
            )
        case .noDelegation:
            self = .retryLater(.noDelegation, "The server has no valid delegation, so it signs nothing.", seconds: 60)
        case .size: self.init(.malformed, "A request has 1024 to 2048 bytes, a multiple of 4.")
        case .frame: self.init(.malformed, "The frame's length is not the length of the message.")
        case .parse: self.init(.malformed, "The message breaks a rule of its format.")
        case .nonce: self.init(.malformed, "NONC is missing or has a length of no version.")
        case .type: self.init(.malformed, "TYPE must be 0.")
        case .padding: self.init(.malformed, "The padding must be zero.")
        case .amplification: self.init(.malformed, "The answer would be longer than the request.")
        }
        details = ["reason": reason.rawValue]
    }
}
