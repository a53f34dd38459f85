// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses
internal import NIOCore
internal import NIOPosix
public import OutboundHTTP
public import Roughtime

/// UDP, TCP and HTTP over IPv4 and IPv6.
public struct NetworkTransport: TimeTransport {
    let clock: LocalClock
    private let resolver: any NameResolver

    public init(clock: LocalClock = .system, resolver: any NameResolver = SystemResolver()) {
        self.clock = clock
        self.resolver = resolver
    }

    public func exchange(
        _ request: [UInt8],
        with endpoint: Endpoint,
        patience: Duration,
        accept: @escaping @Sendable ([UInt8]) -> Result<VerifiedResponse, VerificationFailure>
    ) async throws(ExchangeFailure) -> Reception {
        let collector = AnswerCollector(clock: clock, accept: accept)
        switch endpoint {
        case .udp(let host, let port):
            return try await first(of: addresses(host, port), patience) {
                (address, patience) async throws(ExchangeFailure) in
                try await sendDatagram(request, to: address, patience, collector)
            }
        case .tcp(let host, let port):
            guard Frame.isFramed(request) else { throw .nothingToOffer }
            return try await first(of: addresses(host, port), patience) {
                (address, patience) async throws(ExchangeFailure) in
                try await sendFrame(request, to: address, patience, collector)
            }
        case .http(let url): return try await post(request, to: url, patience, collector)
        }
    }

    /// Tries addresses in turn while they cannot be reached at all; whoever is reached is waited for.
    private func first(
        of addresses: [SocketAddress],
        _ patience: Duration,
        _ ask: (SocketAddress, Duration) async throws(ExchangeFailure) -> Reception
    ) async throws(ExchangeFailure) -> Reception {
        let deadline = ContinuousClock.now + patience
        var failure = ExchangeFailure.silence(ignored: 0, last: nil)
        for address in addresses {
            let rest = deadline - .now
            guard rest > .zero else { break }
            do throws(ExchangeFailure) {
                return try await ask(address, rest)
            } catch {
                guard case .unreachable = error else { throw error }
                failure = error
            }
        }
        throw failure
    }

    private func addresses(_ host: String, _ port: UInt16) async throws(ExchangeFailure) -> [SocketAddress] {
        let found: [IPAddress]
        if let literal = IPAddress(host) {
            found = [literal]
        } else {
            do throws(OutboundError) { found = try await resolver.addresses(of: host) } catch { found = [] }
        }
        let addresses = found.compactMap { try? SocketAddress(ipAddress: "\($0)", port: Int(port)) }
        guard !addresses.isEmpty else { throw .unresolved(host: host) }
        return addresses
    }
}
