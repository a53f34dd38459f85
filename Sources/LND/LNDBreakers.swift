// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// The breakers of a process: one per node and purpose, whichever client calls.
public final class LNDBreakers: Sendable {
    private struct Key: Hashable {
        let host: String
        let purpose: LNDCall.Purpose
    }

    private let breakers = Mutex<[Key: CircuitBreaker]>([:])
    private let start = ContinuousClock.now

    public init() {}

    /// Monotonic seconds, the same for all clients.
    func now() -> Double { (ContinuousClock.now - start) / .seconds(1) }

    /// Whether a call may be sent now.
    func admit(_ purpose: LNDCall.Purpose, of host: String) -> Bool {
        let now = now()
        return breakers.withLock {
            $0[Key(host: host, purpose: purpose), default: CircuitBreaker()].admit(now: now)
        }
    }

    /// Takes note of how an admitted call ended.
    ///
    /// - Returns: the breaker's state afterwards.
    func record(_ outcome: CircuitBreaker.Outcome, _ purpose: LNDCall.Purpose, of host: String) -> CircuitBreaker.State
    {
        let now = now()
        let draw = Double.random(in: 0..<1)
        return breakers.withLock { breakers in
            let key = Key(host: host, purpose: purpose)
            breakers[key, default: CircuitBreaker()].record(outcome, now: now, draw: draw)
            return breakers[key]?.state ?? .closed
        }
    }
}
