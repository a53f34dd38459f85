// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import OrderedCollections

/// Token buckets by key, in bounded memory: when there are too many keys, those whose bucket is full again are forgotten.
///
/// Pure: the time comes in as monotonic seconds.
public struct TokenBuckets<Key: Hashable & Sendable>: Sendable {
    /// What a bucket answers.
    public struct Answer: Sendable, Hashable {
        public let isAllowed: Bool
        /// Whole tokens left.
        public let remaining: Int
        /// Seconds until the next token, at least 1 when refused.
        public let retryAfterSeconds: Int
    }

    private struct Bucket {
        var tokens: Double
        var updated: Double
    }

    /// Tokens that arrive per second.
    public let rate: Double
    /// The greatest number of tokens.
    public let burst: Double
    private let capacity: Int
    private var buckets: OrderedDictionary<Key, Bucket> = [:]

    /// How many keys are remembered.
    package var count: Int { buckets.count }

    /// Makes buckets that start full.
    public init(rate: Double, burst: Double, capacity: Int = 65_536) {
        self.rate = rate
        self.burst = burst
        self.capacity = capacity
    }

    /// Takes one token of the key's bucket, if there is one.
    public mutating func take(_ key: Key, now: Double) -> Answer {
        var bucket = buckets[key] ?? Bucket(tokens: burst, updated: now)
        bucket.tokens = min(burst, bucket.tokens + max(0, now - bucket.updated) * rate)
        bucket.updated = now
        let isAllowed = bucket.tokens >= 1
        if isAllowed { bucket.tokens -= 1 }
        store(bucket, for: key, now: now)
        let wait = isAllowed || rate <= 0 ? 1 : (1 - bucket.tokens) / rate
        return Answer(
            isAllowed: isAllowed,
            remaining: Int(bucket.tokens),
            retryAfterSeconds: max(1, Int(wait.rounded(.up)))
        )
    }

    /// What the key's bucket would answer; nothing is taken.
    public func look(_ key: Key, now: Double) -> Answer {
        var copy = TokenBuckets(rate: rate, burst: burst, capacity: 1)
        copy.buckets[key] = buckets[key]
        return copy.take(key, now: now)
    }

    private mutating func store(_ bucket: Bucket, for key: Key, now: Double) {
        if buckets[key] == nil, buckets.count >= capacity { forgetFullOnes(now) }
        buckets[key] = bucket
    }

    /// Makes room: buckets that are full again say nothing; if none is, the oldest half goes.
    private mutating func forgetFullOnes(_ now: Double) {
        let (rate, burst) = (rate, burst)
        buckets.removeAll { $0.value.tokens + (now - $0.value.updated) * rate >= burst }
        if buckets.count >= capacity { buckets.removeFirst(capacity / 2) }
    }
}
