// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses
internal import Pomade
internal import RequestLimits
internal import Synchronization

/// Who may ask how often: buckets that refill, in bounded memory, lost with the process.
final class SignerLimits: Sendable {
    private struct Origin: Hashable {
        let emailHash: Hex32
        let source: IPNetwork?
    }

    private struct State {
        /// Signatures and exchanges of a session: 500 a minute.
        var operations = TokenBuckets<Hex32>(rate: 500.0 / 60, burst: 500)
        /// Codes to one address: 3 in ten minutes, and 10 a day.
        var codes = TokenBuckets<Hex32>(rate: 3.0 / 600, burst: 3)
        var dailyCodes = TokenBuckets<Hex32>(rate: 10.0 / 86_400, burst: 10)
        /// Failures for one address from one network: 5 in ten minutes.
        var failures = TokenBuckets<Origin>(rate: 5.0 / 600, burst: 5)
        /// Failures for one address from anywhere: 50 a day.
        var dailyFailures = TokenBuckets<Hex32>(rate: 50.0 / 86_400, burst: 50)
    }

    private let state = Mutex(State())
    private let clock: @Sendable () -> Double

    /// - Parameter clock: monotonic seconds.
    init(clock: @escaping @Sendable () -> Double) { self.clock = clock }

    /// Counts a signature's step or an exchange.
    /// - Throws: `rate_limited`.
    func countOperation(_ client: Hex32) throws(SignerFailure) {
        let answer = state.withLock { $0.operations.take(client, now: clock()) }
        guard answer.isAllowed else {
            throw SignerFailure(
                .rateLimited,
                "The session asks too often: wait \(answer.retryAfterSeconds) s.",
                retryAfter: answer.retryAfterSeconds
            )
        }
    }

    /// Whether another code may be sent to an address.
    func allowsCode(_ emailHash: Hex32) -> Bool {
        state.withLock { state in
            let now = clock()
            guard state.dailyCodes.look(emailHash, now: now).isAllowed else { return false }
            return state.codes.take(emailHash, now: now).isAllowed
                && state.dailyCodes.take(emailHash, now: now).isAllowed
        }
    }

    /// Whether a network may try to be the owner of an address.
    ///
    /// Only its own failures speak against it: others' never keep the owner out. When the day's failures for the address
    /// are used up, a network that has failed itself has to wait.
    func allowsAttempt(_ emailHash: Hex32, from source: IPNetwork?) -> Bool {
        state.withLock { state in
            let now = clock()
            let own = state.failures.look(Origin(emailHash: emailHash, source: source), now: now)
            guard own.isAllowed else { return false }
            let hasFailed = own.remaining < Int(state.failures.burst) - 1
            return !hasFailed || state.dailyFailures.look(emailHash, now: now).isAllowed
        }
    }

    /// Counts a failure.
    func countFailure(_ emailHash: Hex32, from source: IPNetwork?) {
        state.withLock { state in
            let now = clock()
            _ = state.failures.take(Origin(emailHash: emailHash, source: source), now: now)
            _ = state.dailyFailures.take(emailHash, now: now)
        }
    }
}
