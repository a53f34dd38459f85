// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import CoreMetrics
internal import Synchronization

/// A number that only grows.
final class CounterSeries: CounterHandler {
    private let total = Atomic<Int64>(0)

    var value: Int64 { total.load(ordering: .relaxed) }

    func increment(by amount: Int64) { total.wrappingAdd(amount, ordering: .relaxed) }

    func reset() { total.store(0, ordering: .relaxed) }
}

/// A number that is set, or a sum of floating point amounts.
final class GaugeSeries: MeterHandler, RecorderHandler, FloatingPointCounterHandler {
    private let number = Mutex(0.0)
    /// Whether the number is a sum, to be exposed as a counter.
    let isCounter: Bool

    init(isCounter: Bool = false) { self.isCounter = isCounter }

    var value: Double { number.withLock { $0 } }

    func set(_ value: Int64) { number.withLock { $0 = Double(value) } }
    func set(_ value: Double) { number.withLock { $0 = value } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
    func increment(by amount: Double) { number.withLock { $0 += amount } }
    func decrement(by amount: Double) { number.withLock { $0 -= amount } }
    func reset() { set(0.0) }
}

/// Observations counted by size.
final class HistogramSeries: RecorderHandler, TimerHandler {
    struct Snapshot {
        /// How many observations lie at or below each bound, cumulative.
        let cumulative: [UInt64]
        let count: UInt64
        let sum: Double
    }

    private struct State {
        var counts: [UInt64]
        var count: UInt64 = 0
        var sum = 0.0
    }

    let bounds: [Double]
    private let state: Mutex<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count)))
    }

    func snapshot() -> Snapshot {
        state.withLock { state in
            var running: UInt64 = 0
            let cumulative = state.counts.map { count -> UInt64 in
                running += count
                return running
            }
            return Snapshot(cumulative: cumulative, count: state.count, sum: state.sum)
        }
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        state.withLock { state in
            if let index = bounds.firstIndex(where: { value <= $0 }) { state.counts[index] += 1 }
            state.count += 1
            state.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
