// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import IPAddresses
internal import OrderedCollections
internal import Synchronization

/// Counts the requests of each client address in windows that begin with its first request.
///
/// A client is an IPv4 address or an IPv6 /64, within which addresses are free. Memory is bounded: when there are too many
/// clients, those whose window is over are forgotten.
final class RequestWindow: Sendable {
    /// How a client stands.
    struct Standing: Sendable, Hashable {
        let limit: Int
        let remaining: Int
        /// Whole seconds until the window is over.
        let reset: Int
        let window: Int
        let isAllowed: Bool

        /// `RateLimit-Policy`, `-Limit`, `-Remaining` and `-Reset`, and `Retry-After` for who has to wait.
        var fields: HTTPFields {
            var fields: HTTPFields = [
                .rateLimitPolicy: "\(limit);w=\(window)", .rateLimitLimit: String(limit),
                .rateLimitRemaining: String(remaining), .rateLimitReset: String(reset),
            ]
            if !isAllowed { fields[.retryAfter] = String(reset) }
            return fields
        }
    }

    private struct Count {
        var used: Int
        var end: Double
    }

    let limit: Int
    /// Seconds.
    let window: Int
    private let capacity: Int
    private let counts = Mutex<OrderedDictionary<IPNetwork?, Count>>([:])

    /// How many clients are remembered.
    var count: Int { counts.withLock { $0.count } }

    init(limit: Int, window: Int = 60, capacity: Int = 65_536) {
        self.limit = limit
        self.window = window
        self.capacity = capacity
    }

    /// Counts a request.
    ///
    /// - Parameter now: monotonic seconds.
    func take(_ client: IPAddress?, now: Double) -> Standing {
        let key = client?.network(v4: 32, v6: 64)
        return counts.withLock { counts in
            var count = counts[key] ?? Count(used: 0, end: now + Double(window))
            if now >= count.end { count = Count(used: 0, end: now + Double(window)) }
            count.used = min(count.used + 1, limit + 1)
            if counts[key] == nil, counts.count >= capacity { forget(&counts, now) }
            counts[key] = count
            return Standing(
                limit: limit,
                remaining: max(0, limit - count.used),
                reset: max(1, Int((count.end - now).rounded(.up))),
                window: window,
                isAllowed: count.used <= limit
            )
        }
    }

    private func forget(_ counts: inout OrderedDictionary<IPNetwork?, Count>, _ now: Double) {
        counts.removeAll { $0.value.end <= now }
        if counts.count >= capacity { counts.removeFirst(capacity / 2) }
    }
}
