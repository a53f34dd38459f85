// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Roughtime

/// Asks servers, with retries.
public struct TimeClient: Sendable {
    public var transport: any TimeTransport
    public var clock: LocalClock
    public var verification: VerificationOptions
    /// The first wait for an answer; it grows by half with every try.
    public var firstWait: Duration

    public init(
        transport: any TimeTransport = NetworkTransport(),
        clock: LocalClock = .system,
        verification: VerificationOptions = VerificationOptions(),
        firstWait: Duration = .seconds(1)
    ) {
        self.transport = transport
        self.clock = clock
        self.verification = verification
        self.firstWait = firstWait
    }

    /// Asks one server until it answers or time is up.
    ///
    /// Every try has a nonce of its own, so a late answer to an earlier one is not mistaken. After two silences on UDP, TCP
    /// is tried as well where the server has it.
    /// - Parameters:
    ///   - limit: for all tries together.
    ///   - nonce: makes a nonce of the given length.
    /// - Throws: the failure of the last try.
    public func ask(
        _ server: TimeServer,
        within limit: Duration = .seconds(5),
        nonce: @Sendable (_ length: Int) -> Nonce = { .random(length: $0) }
    ) async throws(ExchangeFailure) -> Exchange {
        let deadline = ContinuousClock.now + limit
        var schedule = RetrySchedule(first: firstWait)
        var silences = 0
        var attempt = 0
        while true {
            let versions = server.offers.versions(attempt: attempt)
            let endpoint = try Self.endpoint(server.endpoints, versions, attempt, silences)
            let start = ContinuousClock.now
            let wait = schedule.failed()
            do throws(ExchangeFailure) {
                let patience = min(wait, deadline - start)
                return try await exchange(server, endpoint, versions, patience, attempt + 1, nonce)
            } catch {
                if case .silence = error, case .udp = endpoint { silences += 1 }
                let next = start + wait
                guard !error.isFinal, next < deadline else { throw error }
                do { try await Task.sleep(until: next, clock: .continuous) } catch { throw .closed }
            }
            attempt += 1
        }
    }

    /// Where to send a try.
    static func endpoint(
        _ endpoints: [Endpoint],
        _ versions: [Version],
        _ attempt: Int,
        _ silences: Int
    ) throws(ExchangeFailure) -> Endpoint {
        let datagrams = endpoints.filter { $0.transport == "udp" }
        let streams = endpoints.filter { $0.transport != "udp" && (versions != [.google] || $0.transport == "http") }
        if datagrams.isEmpty, streams.isEmpty { throw endpoints.isEmpty ? .noEndpoint : .nothingToOffer }
        let isStream = datagrams.isEmpty || silences >= 2 && !streams.isEmpty && attempt.isMultiple(of: 2)
        return isStream ? streams[attempt % streams.count] : datagrams[attempt % datagrams.count]
    }

    private func exchange(
        _ server: TimeServer,
        _ endpoint: Endpoint,
        _ versions: [Version],
        _ patience: Duration,
        _ tries: Int,
        _ nonce: @Sendable (Int) -> Nonce
    ) async throws(ExchangeFailure) -> Exchange {
        guard let length = versions.first.flatMap(Profile.of)?.nonceLength else { throw .nothingToOffer }
        let nonce = nonce(length)
        guard let request = Request(versions: versions, nonce: nonce.bytes, serverKey: server.publicKey) else {
            throw .nothingToOffer
        }
        let verifier = ResponseVerifier(longTermPublicKey: server.publicKey, options: verification)
        let reception = try await transport.exchange(request.packet, with: endpoint, patience: patience) { bytes in
            Result { () throws(VerificationFailure) in try verifier.verify(bytes, to: request) }
        }
        return Exchange(
            server: server,
            endpoint: endpoint,
            link: ChainLink(
                blind: nonce.blind,
                publicKey: server.publicKey,
                request: request.packet,
                response: reception.response
            ),
            response: reception.verified,
            sent: reception.sent,
            received: reception.received,
            tries: tries
        )
    }
}
