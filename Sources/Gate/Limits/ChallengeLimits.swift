// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import DequeModule
internal import IPAddresses
internal import LightningPrimitives
internal import OrderedCollections
internal import RequestLimits

/// Decides, before an invoice exists, whether a client may have a challenge.
///
/// Every challenge has an invoice of its own, so a flood must be stopped here: by a bucket per client prefix, a bucket
/// per service, and a cap on the invoices that are open. Every rule is asked and none is charged if one refuses.
struct ChallengeLimits: Sendable {
    /// What the rules say.
    enum Answer: Sendable, Hashable {
        case admitted
        /// The client has to wait; solving a puzzle would do as well if `isClientsOwn`.
        case wait(seconds: Int, isClientsOwn: Bool)
    }

    private var perClient: TokenBuckets<IPNetwork?>
    private var perService: TokenBuckets<String>
    /// When each open invoice expires, in monotonic seconds, in order of creation.
    private var open: OrderedDictionary<PaymentHash, Double> = [:]
    /// Invoices that have expired and that nobody has cancelled yet; as many as may be open.
    private var expired: Deque<PaymentHash> = []
    /// Admitted challenges whose invoice is being made.
    private var underWay = 0
    private let openLimit: Int

    init(_ configuration: GateConfiguration) {
        perClient = TokenBuckets(rate: configuration.challengesPerSecond, burst: configuration.challengeBurst)
        perService = TokenBuckets(
            rate: configuration.serviceChallengesPerSecond,
            burst: configuration.serviceChallengesPerSecond * 2
        )
        openLimit = configuration.openInvoiceLimit
    }

    /// Invoices that are neither paid nor expired.
    var openCount: Int { open.count }

    /// Admits a challenge, which ``opened(_:expiry:)`` or ``failed()`` must follow, or says how long to wait.
    mutating func admit(_ client: IPAddress?, service: String, hasSolvedPuzzle: Bool, now: Double) -> Answer {
        expire(now)
        if open.count + underWay >= openLimit {
            let first = open.values.first ?? now
            return .wait(seconds: max(1, Int((first - now).rounded(.up))), isClientsOwn: false)
        }
        var services = perService
        let overall = services.take(service, now: now)
        guard overall.isAllowed else { return .wait(seconds: overall.retryAfterSeconds, isClientsOwn: false) }
        if !hasSolvedPuzzle {
            // Clients are grouped so that one network cannot rotate its addresses: IPv4 /24, IPv6 /48.
            let own = perClient.take(client?.network(v4: 24, v6: 48), now: now)
            guard own.isAllowed else { return .wait(seconds: own.retryAfterSeconds, isClientsOwn: true) }
        }
        perService = services
        underWay += 1
        return .admitted
    }

    /// Takes note of the invoice that an admitted challenge has got.
    mutating func opened(_ hash: PaymentHash, expiry: Double) {
        underWay -= 1
        open[hash] = expiry
    }

    /// Takes note that an admitted challenge has got no invoice.
    mutating func failed() { underWay -= 1 }

    /// Takes note that an invoice is not open any more.
    mutating func closed(_ hash: PaymentHash) {
        if open.keys.first == hash { open.removeFirst() } else { open.removeValue(forKey: hash) }
    }

    /// Takes out invoices that have expired and are to be cancelled, at most so many.
    mutating func takeExpired(now: Double, limit: Int = 500) -> [PaymentHash] {
        expire(now)
        let taken = Array(expired.prefix(limit))
        expired.removeFirst(taken.count)
        return taken
    }

    private mutating func expire(_ now: Double) {
        let count = open.values.prefix { $0 <= now }.count
        guard count > 0 else { return }
        expired.append(contentsOf: open.keys.prefix(count))
        open.removeFirst(count)
        // What is too much is cancelled by the node itself.
        if expired.count > openLimit { expired.removeFirst(expired.count - openLimit) }
    }
}
