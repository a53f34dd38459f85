// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Metrics
internal import Pomade
internal import Synchronization

/// Counts requests by route and outcome, without a word of whose they were.
final class SignerInstruments: Sendable {
    private struct Kind: Hashable {
        let route: String
        let code: String
    }

    private let counters = Mutex<[Kind: Counter]>([:])
    private let timers: [SignerRoute: Timer] = Dictionary(
        uniqueKeysWithValues: SignerRoute.allCases.map { route in
            (route, Timer(label: "signer_request_seconds", dimensions: [("route", route.rawValue)]))
        }
    )

    func record(_ route: SignerRoute?, code: FailureCode?, took: Duration) {
        let kind = Kind(route: route?.rawValue ?? "unknown", code: code?.rawValue ?? "ok")
        let counter = counters.withLock { counters in
            if let known = counters[kind] { return known }
            let labels = [("route", kind.route), ("code", kind.code)]
            let made = Counter(label: "signer_requests_total", dimensions: labels)
            counters[kind] = made
            return made
        }
        counter.increment()
        if let route { timers[route]?.record(duration: took) }
    }
}
