// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Roughtime
internal import Synchronization

/// Looks at what comes in for one request until something is accepted.
final class AnswerCollector: Sendable {
    /// Whoever floods a client with forgeries makes it give up, not compute without end.
    static let limit = 1000

    let clock: LocalClock
    private let accept: @Sendable ([UInt8]) -> Result<VerifiedResponse, VerificationFailure>
    private let state = Mutex(State())

    private struct State {
        var sent: Int64 = 0
        var ignored = 0
        var last: VerificationFailure?
    }

    init(clock: LocalClock, accept: @escaping @Sendable ([UInt8]) -> Result<VerifiedResponse, VerificationFailure>) {
        self.clock = clock
        self.accept = accept
    }

    /// Notes that the request leaves now.
    func sends() {
        let now = clock.read().monotonic
        state.withLock { $0.sent = now }
    }

    /// Notes something that is no answer, and needs no look.
    func ignore() {
        state.withLock { $0.ignored += 1 }
    }

    /// The answer, if it is accepted.
    func take(_ bytes: [UInt8]) -> Reception? {
        let received = clock.read().monotonic
        guard state.withLock({ $0.ignored < Self.limit }) else { return nil }
        let result = accept(bytes)
        return state.withLock { state in
            switch result {
            case .success(let verified):
                return Reception(response: bytes, verified: verified, sent: state.sent, received: received)
            case .failure(let failure):
                state.ignored += 1
                state.last = failure
                return nil
            }
        }
    }

    /// What to say when nothing was accepted in time.
    var silence: ExchangeFailure { state.withLock { .silence(ignored: $0.ignored, last: $0.last) } }
}
