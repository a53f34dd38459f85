// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Pomade
public import ServiceLifecycle

/// Does the work of `/challenge` after its answer, so that the time of the answer tells nothing.
///
/// At most 1000 wait; more than that are dropped, as if their address were unknown.
public struct ChallengeDesk: Service {
    private let service: SignerService
    private let requests: AsyncStream<PomadeBody.Challenge>
    private let continuation: AsyncStream<PomadeBody.Challenge>.Continuation

    public init(_ service: SignerService) {
        self.service = service
        (requests, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1000))
    }

    /// Takes a request; never waits.
    public func take(_ body: PomadeBody.Challenge) { continuation.yield(body) }

    /// Works one after the other until graceful shutdown.
    public func run() async throws {
        for await body in requests.cancelOnGracefulShutdown() { await service.challenge(body) }
    }
}
