// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Measures consecutive steps.
struct StepClock {
    private let clock = ContinuousClock()
    let start: ContinuousClock.Instant
    private var last: ContinuousClock.Instant
    private(set) var steps: [(step: PassReport.Step, duration: Duration)] = []

    init() {
        start = clock.now
        last = start
    }

    /// Time since the beginning.
    var elapsed: Duration { clock.now - start }

    /// Ends a step: the time since the last one ended is its own.
    mutating func end(_ step: PassReport.Step) {
        let now = clock.now
        steps.append((step, now - last))
        last = now
    }

    /// Ends two steps that took turns.
    ///
    /// - Parameter part: what of the time since the last step belongs to `second`.
    mutating func end(_ first: PassReport.Step, _ second: PassReport.Step, part: Duration) {
        let now = clock.now
        steps.append((first, now - last - part))
        steps.append((second, part))
        last = now
    }

    mutating func measure<Value>(_ step: PassReport.Step, _ body: () throws -> Value) rethrows -> Value {
        let value = try body()
        end(step)
        return value
    }
}
