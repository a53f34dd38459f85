// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Gate
internal import HTTPTypes
internal import IPAddresses
internal import Metrics
internal import RequestLimits
internal import Synchronization

/// The families of routes that share a limit.
public enum LimiterFamily: String, Sendable, CaseIterable {
    /// Everything under /api.
    case global
    /// Reads of the index.
    case discovery
    case version
    case metrics
    /// Both steps of a deposit; invoices have limits of their own.
    case deposit
    /// What a holder asks about a token.
    case token
    /// Signed time.
    case time
    /// Looking up what a request would cost; as many as one token may ask for.
    case quote
    /// The operators' routes.
    case admin
    /// Probes that cost next to nothing to answer and must not be refused.
    case unlimited
}

/// Requests per minute by family; each client may spend a minute's worth at once.
public struct RateLimitConfiguration: Sendable {
    public var requestsPerMinute: [LimiterFamily: Int] = [
        .global: 100, .discovery: 60, .version: 60, .metrics: 30, .deposit: 60, .token: 120, .admin: 120, .time: 600,
        .quote: 6000,
    ]

    public init() {}
}

/// Token buckets per client and family.
///
/// A client is an IPv4 address or an IPv6 /64, within which addresses are free.
final class RateLimits: Sendable {
    private let limits: [LimiterFamily: Int]
    private let buckets: Mutex<[LimiterFamily: TokenBuckets<IPNetwork?>]>

    init(_ configuration: RateLimitConfiguration) {
        limits = configuration.requestsPerMinute
        buckets = Mutex(
            configuration.requestsPerMinute.mapValues {
                TokenBuckets(rate: Double($0) / 60, burst: Double($0))
            }
        )
    }

    /// Takes one request of a client.
    /// - Returns: the headers that tell the client how it stands.
    /// - Throws: ``APIError`` with 429.
    func take(_ family: LimiterFamily, client: IPAddress?) throws(APIError) -> HTTPFields {
        guard let limit = limits[family] else { return [:] }
        let key = client?.network(v4: 32, v6: 64)
        let answer = buckets.withLock { $0[family]?.take(key, now: MonotonicSeconds.now()) }
        guard let answer else { return [:] }
        var headers: HTTPFields = [
            .rateLimitPolicy: "\(limit);w=60",
            .rateLimitLimit: String(limit),
            .rateLimitRemaining: String(answer.remaining),
            .rateLimitReset: String(answer.isAllowed ? 60 : answer.retryAfterSeconds),
        ]
        guard answer.isAllowed else {
            Counter(label: "rate_limit_hits_total", dimensions: [("limiter", family.rawValue)]).increment()
            headers[.retryAfter] = String(answer.retryAfterSeconds)
            throw APIError(.rateLimited, "Too many requests; wait as long as Retry-After says.", headers: headers)
        }
        return headers
    }
}
