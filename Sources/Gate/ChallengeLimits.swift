// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import IPAddresses

/// Decides, before an invoice exists, whether a client may have a challenge.
///
/// Every challenge has an invoice of its own, so a flood must be stopped here: by a bucket per client prefix, a bucket
/// for all, and a cap on the invoices that are open. Every rule is asked and none is charged if one refuses.
struct ChallengeLimits: Sendable {
    private var perClient: TokenBuckets<IPNetwork?>
    private var total: TokenBuckets<Bool>
    /// When each open invoice expires, in monotonic seconds, in order of creation.
    private var expiries: Deque<Double> = []
    private let openLimit: Int

    init(_ configuration: GateConfiguration) {
        perClient = TokenBuckets(rate: configuration.challengesPerSecond, burst: configuration.challengeBurst)
        total = TokenBuckets(
            rate: configuration.totalChallengesPerSecond,
            burst: configuration.totalChallengesPerSecond * 2
        )
        openLimit = configuration.openInvoiceLimit
    }

    /// Open invoices as of the last call.
    var openCount: Int { expiries.count }

    /// Admits a challenge and takes note of the invoice it will have, or returns how many seconds to wait.
    mutating func admit(_ client: IPAddress?, invoiceLifetime: Double, now: Double) -> Int? {
        while let first = expiries.first, first <= now { expiries.removeFirst() }
        if expiries.count >= openLimit, let first = expiries.first { return max(1, Int((first - now).rounded(.up))) }
        var all = total
        let overall = all.take(true, now: now)
        guard overall.isAllowed else { return overall.retryAfterSeconds }
        // Clients are grouped so that one network cannot rotate its addresses: IPv4 /24, IPv6 /48.
        let own = perClient.take(client?.network(v4: 24, v6: 48), now: now)
        guard own.isAllowed else { return own.retryAfterSeconds }
        total = all
        expiries.append(now + invoiceLifetime)
        return nil
    }

    /// Takes note that an invoice is not open any more: paid, or never made.
    mutating func closeOne() { _ = expiries.popFirst() }
}
