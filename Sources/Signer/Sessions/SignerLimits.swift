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
        /// Notices of what was done with a share: 3 a day while its address is not confirmed, 20 when it is.
        var notices = TokenBuckets<[UInt8]>(rate: 3.0 / 86_400, burst: 3)
        var confirmedNotices = TokenBuckets<[UInt8]>(rate: 20.0 / 86_400, burst: 20)
        /// Failures for one address from one network: 5 in ten minutes.
        var failures = TokenBuckets<Origin>(rate: 5.0 / 600, burst: 5)
        /// Failures for one address from anywhere: 50 a day.
        var dailyFailures = TokenBuckets<Hex32>(rate: 50.0 / 86_400, burst: 50)
        /// Attempts that have begun and not ended, each of which may be a failure.
        var open: [Origin: Int] = [:]
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

    /// Whether a share's address may hear once more of what was done.
    ///
    /// By share, so that nobody else can use up what an owner would hear.
    func allowsNotice(ofShare id: [UInt8], isConfirmed: Bool) -> Bool {
        state.withLock { state in
            let now = clock()
            return isConfirmed
                ? state.confirmedNotices.take(id, now: now).isAllowed : state.notices.take(id, now: now).isAllowed
        }
    }

    /// Whether a network may try to be the owner of an address; who may has to end the attempt.
    ///
    /// Attempts at the same time count as failures until they have ended, so that sending many at once gains nothing. Only its own failures speak against it: others' never keep the owner out. When the day's failures for the address
    /// are used up, a network that has failed itself has to wait.
    func beginAttempt(_ emailHash: Hex32, from source: IPNetwork?) -> Bool {
        state.withLock { state in
            let (now, origin) = (clock(), Origin(emailHash: emailHash, source: source))
            let own = state.failures.look(origin, now: now)
            guard own.isAllowed, own.remaining >= state.open[origin] ?? 0 else { return false }
            let hasFailed = own.remaining < Int(state.failures.burst) - 1
            guard !hasFailed || state.dailyFailures.look(emailHash, now: now).isAllowed else { return false }
            state.open[origin, default: 0] += 1
            return true
        }
    }

    /// Ends an attempt, and counts it when it failed.
    func endAttempt(_ emailHash: Hex32, from source: IPNetwork?, failed: Bool) {
        state.withLock { state in
            let (now, origin) = (clock(), Origin(emailHash: emailHash, source: source))
            let others = (state.open[origin] ?? 1) - 1
            state.open[origin] = others > 0 ? others : nil
            guard failed else { return }
            _ = state.failures.take(origin, now: now)
            _ = state.dailyFailures.take(emailHash, now: now)
        }
    }
}
