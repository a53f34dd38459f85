// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Stops calling a node that does not answer, and tries it again one call at a time.
///
/// A pure state machine: times come in as monotonic seconds and the random draw as a number, so every path can be tested.
/// Only transport failures and `busy` count; an error that LND answered is a sign of life.
struct CircuitBreaker: Sendable {
    enum State: Sendable, Hashable {
        /// Calls pass.
        case closed
        /// No call passes before the given time.
        case open(until: Double)
        /// One call at a time passes; enough successes close the breaker.
        case halfOpen(successes: Int, isProbing: Bool)
    }

    enum Outcome: Sendable {
        case success
        case failure
        /// Says nothing about the node.
        case neutral
    }

    private struct Sample {
        let time: Double
        let failed: Bool
    }

    private(set) var state = State.closed
    private var samples: [Sample] = []
    private var openings = 0

    private static let window = 20
    private static let failuresToOpen = 5
    private static let failureAge = 30.0
    private static let successesToClose = 3
    private static let longestWait = 60.0

    /// Whether a call may be sent now; a half-open breaker lends its one place to it.
    mutating func admit(now: Double) -> Bool {
        switch state {
        case .closed: return true
        case .open(let until):
            guard now >= until else { return false }
            state = .halfOpen(successes: 0, isProbing: true)
            return true
        case .halfOpen(let successes, let isProbing):
            guard !isProbing else { return false }
            state = .halfOpen(successes: successes, isProbing: true)
            return true
        }
    }

    /// Takes note of how an admitted call ended.
    /// - Parameter draw: a random number in 0..<1, for the jitter of the waiting time.
    mutating func record(_ outcome: Outcome, now: Double, draw: Double) {
        switch (state, outcome) {
        case (.closed, .neutral), (.open, _): break
        case (.closed, .success): append(failed: false, now)
        case (.closed, .failure):
            append(failed: true, now)
            if shouldOpen(now) { open(now, draw) }
        case (.halfOpen(let successes, _), .neutral): state = .halfOpen(successes: successes, isProbing: false)
        case (.halfOpen, .failure): open(now, draw)
        case (.halfOpen(let successes, _), .success):
            if successes + 1 >= Self.successesToClose {
                self = CircuitBreaker()
            } else {
                state = .halfOpen(successes: successes + 1, isProbing: false)
            }
        }
    }

    private mutating func append(failed: Bool, _ now: Double) {
        samples.append(Sample(time: now, failed: failed))
        if samples.count > Self.window { samples.removeFirst() }
    }

    private func shouldOpen(_ now: Double) -> Bool {
        let failures = samples.count { $0.failed }
        let recent = samples.count { $0.failed && now - $0.time <= Self.failureAge }
        return recent >= Self.failuresToOpen && failures * 2 >= samples.count
    }

    private mutating func open(_ now: Double, _ draw: Double) {
        let longest = min(Self.longestWait, Double(1 << min(openings, 6)))
        openings += 1
        samples.removeAll()
        state = .open(until: now + longest * draw)
    }
}
