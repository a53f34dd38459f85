// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses
internal import Pomade
internal import RequestLimits
internal import Synchronization

/// How often one address may ask: 300 a minute in all, 20 a minute to log in or recover, 30 an hour to register.
///
/// An address is an IPv4 one or an IPv6 /64.
final class AddressLimits: Sendable {
    private struct State {
        var all = TokenBuckets<IPNetwork?>(rate: 300.0 / 60, burst: 300)
        var entries = TokenBuckets<IPNetwork?>(rate: 20.0 / 60, burst: 20)
        var registrations = TokenBuckets<IPNetwork?>(rate: 30.0 / 3600, burst: 30)
    }

    private let state = Mutex(State())

    /// Counts a request.
    /// - Throws: `throttled`.
    func count(_ path: String, from client: IPAddress?) throws(SignerFailure) {
        let key = client?.network(v4: 32, v6: 64)
        let now = MonotonicSeconds.now()
        let wait = state.withLock { state -> Int? in
            let all = state.all.take(key, now: now)
            guard all.isAllowed else { return all.retryAfterSeconds }
            switch SignerRoute(rawValue: path) {
            case .register?:
                let answer = state.registrations.take(key, now: now)
                return answer.isAllowed ? nil : answer.retryAfterSeconds
            case .challenge?, .loginStart?, .recoveryStart?, .passwordRotate?, .recoveryCancel?, .emailConfirm?:
                let answer = state.entries.take(key, now: now)
                return answer.isAllowed ? nil : answer.retryAfterSeconds
            default: return nil
            }
        }
        guard let wait else { return }
        throw SignerFailure(.throttled, "Too many requests; wait as long as Retry-After says.", retryAfter: wait)
    }
}
