// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Synchronization

/// The counter and the timer of every kind of request, looked up once: their labels take longer to write than to count.
final class RequestInstruments: Sendable {
    private struct Kind: Hashable {
        let method: String
        let route: String
        let status: Int
    }

    private struct Pair {
        let count: Counter
        let time: Timer
    }

    private let pairs = Mutex<[Kind: Pair]>([:])
    private let limit = 4096

    /// Counts a request that has been answered.
    func record(_ method: String, route: String, status: Int, took: Duration) {
        let kind = Kind(method: method, route: route, status: status)
        let pair = pairs.withLock { pairs in
            if let known = pairs[kind] { return known }
            let labels = [("method", method), ("route", route), ("status", String(status))]
            let made = Pair(
                count: Counter(label: "requests_total", dimensions: labels),
                time: Timer(label: "http_request_duration_seconds", dimensions: labels)
            )
            // A backend may answer with any status; what is not kept is only looked up again.
            if pairs.count < limit { pairs[kind] = made }
            return made
        }
        pair.count.increment()
        pair.time.record(duration: took)
    }
}
