// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Metrics
internal import Synchronization

/// The ledger's metrics.
final class LedgerInstruments: Sendable {
    private let paid = Counter(label: "ledger_entries_total", dimensions: [("kind", "pay")])
    private let held = Counter(label: "ledger_entries_total", dimensions: [("kind", "hold")])
    private let settled = Counter(label: "ledger_entries_total", dimensions: [("kind", "settle")])
    private let released = Counter(label: "ledger_entries_total", dimensions: [("kind", "release")])
    private let swept = Counter(label: "ledger_holds_swept_total")
    private let batchSize = Recorder(label: "ledger_debit_batch_size")
    private let revenue = Mutex<[String: Counter]>([:])

    func didPay() { paid.increment() }

    func didHold(_ count: Int) { held.increment(by: Int64(count)) }

    func didSend(batchOf count: Int) { batchSize.record(count) }

    func didRelease(_ count: Int) { released.increment(by: Int64(count)) }

    func didSweep(_ count: Int) {
        swept.increment(by: Int64(count))
        didRelease(count)
    }

    /// Counts a settled call; routes are a closed set, so there are few counters.
    func didSettle(_ amount: MilliSatoshi, route: String) {
        settled.increment()
        let counter = revenue.withLock { counters in
            if let counter = counters[route] { return counter }
            let counter = Counter(label: "l402_revenue_msat_total", dimensions: [("route", route)])
            counters[route] = counter
            return counter
        }
        counter.increment(by: amount.msat)
    }
}
