// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The pause before the next attempt to connect: doubling from 50 ms to 5 s, with jitter.
struct Backoff {
    private var attempt = 0

    /// Between half of the step and the whole of it, so that many clients do not come back in step.
    mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        let step = min(5.0, 0.05 * Double(1 << min(attempt, 10)))
        attempt += 1
        return .seconds(step * Double.random(in: 0.5...1, using: &generator))
    }

    mutating func reset() { attempt = 0 }
}
