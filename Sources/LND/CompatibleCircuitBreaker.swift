// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// SatRank's breaker, as it is: five failures in a row open it, three successes close it, and half-open lets all pass.
///
/// For comparison only: one malformed invoice after the other opens it for everybody. Calls go through
/// ``CircuitBreaker``. Times are milliseconds.
struct CompatibleCircuitBreaker: Sendable {
    enum State: String, Sendable, Hashable { case closed, open, halfOpen = "half_open" }

    private(set) var state = State.closed
    /// When an open breaker lets the first call pass.
    private(set) var nextRetryAt: Int?
    private var failures = 0
    private var successes = 0
    private var wait = Self.firstWait

    private static let failuresToOpen = 5
    private static let successesToClose = 3
    private static let firstWait = 30_000
    private static let longestWait = 600_000

    /// Whether a call may be sent.
    mutating func canCall(now: Int) -> Bool {
        guard state == .open, let nextRetryAt else { return true }
        guard now >= nextRetryAt else { return false }
        state = .halfOpen
        self.nextRetryAt = nil
        successes = 0
        return true
    }

    mutating func recordSuccess() {
        failures = 0
        guard state == .halfOpen else { return }
        successes += 1
        if successes >= Self.successesToClose { self = CompatibleCircuitBreaker() }
    }

    mutating func recordFailure(now: Int) {
        failures += 1
        guard state == .halfOpen || failures >= Self.failuresToOpen else { return }
        state = .open
        nextRetryAt = now + wait
        wait = min(Self.longestWait, wait * 2)
        failures = 0
    }
}
