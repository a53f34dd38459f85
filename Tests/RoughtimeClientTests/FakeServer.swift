// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Roughtime
import Synchronization
import Testing

@testable import RoughtimeClient

/// A server with keys of its own and a clock that may be wrong.
struct FakeServer: Sendable {
    let longTerm = Curve25519.Signing.PrivateKey()
    let identity: OnlineIdentity
    var radius: UInt32 = 3
    /// How far its clock is ahead of the truth, in microseconds.
    var ahead: Int64 = 0

    static let now: Int64 = 1_790_000_000_000_000

    var publicKey: [UInt8] { Array(longTerm.publicKey.rawRepresentation) }

    init(versions: VersionSet = .all, ahead: Int64 = 0, radius: UInt32 = 3) throws {
        let online = Curve25519.Signing.PrivateKey()
        var certificates: [DelegationProfile: [UInt8]] = [:]
        for profile in DelegationProfile.allCases {
            let delegation = Delegation(
                publicKey: Array(online.publicKey.rawRepresentation),
                notBefore: Self.now - 864_000_000_000,
                notAfter: Self.now + 864_000_000_000,
                format: profile.timeFormat
            )
            certificates[profile] = try Certificate(delegation, profile: profile, signedBy: longTerm).bytes
        }
        identity = try OnlineIdentity(
            longTermPublicKey: Array(longTerm.publicKey.rawRepresentation),
            onlineKey: online,
            certificates: certificates,
            enabled: versions
        )
        self.ahead = ahead
        self.radius = radius
    }

    /// The answer to a request at a true time; nil when it is dropped.
    func answer(_ request: [UInt8], at time: Int64 = now) -> [UInt8]? {
        let answers = AnswerBatch().answers(
            to: [request],
            rules: RequestRules(versions: identity.versions, longTermPublicKeys: [publicKey]),
            identities: [identity],
            time: StatedTime(
                unixMicroseconds: time + ahead,
                radiusSeconds: radius,
                radiusMicroseconds: radius * 1_000_000
            )
        )
        return try? answers[0].get()
    }

    func server(_ name: String, offers: VersionOffers = .automatic(listed: .rfc10049)) -> TimeServer {
        TimeServer(
            name: name,
            publicKey: publicKey,
            endpoints: [.udp(host: name, port: 5319)],
            offers: offers
        )
    }
}

/// Clocks that go on by a millisecond whenever somebody looks.
final class FakeClock: Sendable {
    private let ticks = Mutex<Int64>(0)
    /// How far the clock that is judged is ahead of the truth, in microseconds.
    let ahead: Int64
    let rate: Int64 = 1000

    init(ahead: Int64 = 0) {
        self.ahead = ahead
    }

    /// Microseconds that went by.
    var elapsed: Int64 { ticks.withLock { $0 * rate } }
    /// The true time.
    var truth: Int64 { FakeServer.now + elapsed }

    var local: LocalClock {
        LocalClock { [self] in
            let ticks = ticks.withLock { ticks in
                ticks += 1
                return ticks
            }
            return .init(monotonic: ticks * rate, unix: FakeServer.now + ticks * rate + ahead)
        }
    }
}

/// Servers by the host of their address, without a network.
final class FakeNetwork: TimeTransport {
    typealias Handler = @Sendable (_ request: [UInt8], _ endpoint: Endpoint) -> [[UInt8]]

    private let handler: Handler
    private let clock: LocalClock
    private let asked = Mutex<[Endpoint]>([])

    var endpoints: [Endpoint] { asked.withLock { $0 } }

    init(clock: LocalClock, handler: @escaping Handler) {
        self.handler = handler
        self.clock = clock
    }

    /// Servers that all answer; a name without a server is silent.
    convenience init(_ servers: [String: FakeServer], clock: FakeClock = FakeClock()) {
        self.init(clock: clock.local) { request, endpoint in
            guard case .udp(let host, _) = endpoint, let server = servers[host] else { return [] }
            return server.answer(request, at: clock.truth).map { [$0] } ?? []
        }
    }

    func exchange(
        _ request: [UInt8],
        with endpoint: Endpoint,
        patience: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Result<VerifiedResponse, VerificationFailure>
    ) async throws(ExchangeFailure) -> Reception {
        asked.withLock { $0.append(endpoint) }
        let collector = AnswerCollector(clock: clock, accept: accept)
        collector.sends()
        for answer in handler(request, endpoint) {
            if let reception = collector.take(answer) { return reception }
        }
        throw collector.silence
    }
}

extension TimeClient {
    /// A client that does not wait for real.
    static func fake(_ transport: any TimeTransport, _ clock: FakeClock = FakeClock()) -> TimeClient {
        TimeClient(transport: transport, clock: clock.local, firstWait: .microseconds(10))
    }
}

/// A directory that is gone after the test.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = NSTemporaryDirectory() + "assay-time-\(UInt64.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
