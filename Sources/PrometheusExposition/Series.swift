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

/// Observations counted by size; recording takes no lock.
final class HistogramSeries: RecorderHandler, TimerHandler {
    struct Snapshot {
        /// How many observations lie at or below each bound, cumulative.
        let cumulative: [UInt64]
        let count: UInt64
        let sum: Double
    }

    /// Observations between two bounds.
    private final class Bucket: Sendable {
        let count = Atomic<UInt64>(0)
    }

    let bounds: [Double]
    /// One for every bound, and one for what lies above all.
    private let buckets: [Bucket]
    /// The bits of a floating point number.
    private let sum = Atomic<UInt64>(0)

    init(bounds: [Double]) {
        self.bounds = bounds
        buckets = (0...bounds.count).map { _ in Bucket() }
    }

    func snapshot() -> Snapshot {
        var running: UInt64 = 0
        let cumulative = buckets.map { bucket -> UInt64 in
            running += bucket.count.load(ordering: .relaxed)
            return running
        }
        return Snapshot(
            cumulative: cumulative.dropLast(),
            count: running,
            sum: Double(bitPattern: sum.load(ordering: .relaxed))
        )
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        buckets[index].count.wrappingAdd(1, ordering: .relaxed)
        var known = sum.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: known) + value).bitPattern
            let (done, current) = sum.weakCompareExchange(expected: known, desired: next, ordering: .relaxed)
            if done { return }
            known = current
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
