// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import Testing

@testable import Gate

@Suite("Limits before an invoice exists")
struct LimitsTests {
    @Test("a bucket allows its burst at once and then its rate")
    func bucket() {
        var buckets = TokenBuckets<String>(rate: 2, burst: 3)
        let atOnce = (0..<4).map { _ in buckets.take("a", now: 0).isAllowed }
        #expect(atOnce == [true, true, true, false])
        #expect(buckets.take("b", now: 0).isAllowed)
        #expect(buckets.take("a", now: 0.4).isAllowed == false)
        #expect(buckets.take("a", now: 0.5).isAllowed)
        #expect(buckets.take("a", now: 0.5).retryAfterSeconds == 1)
    }

    @Test("buckets stay within their memory however many clients there are")
    func memory() {
        var buckets = TokenBuckets<Int>(rate: 1, burst: 1, capacity: 100)
        for client in 0..<10_000 { _ = buckets.take(client, now: 0) }
        #expect(buckets.count <= 100)
    }

    @Test("one network cannot rotate its addresses, and others are not affected")
    func prefixes() throws {
        var configuration = GateConfiguration()
        configuration.challengesPerSecond = 1
        configuration.challengeBurst = 2
        var limits = ChallengeLimits(configuration)
        let addresses = try ["192.0.2.1", "192.0.2.77", "192.0.2.200", "198.51.100.1"].map {
            try #require(IPAddress($0))
        }
        let waits = addresses.map { limits.admit($0, invoiceLifetime: 600, now: 0) }
        #expect(waits == [nil, nil, 1, nil])
    }

    @Test("open invoices are capped and free their place when they expire")
    func openInvoices() {
        var configuration = GateConfiguration()
        configuration.openInvoiceLimit = 2
        var limits = ChallengeLimits(configuration)
        let waits = [0.0, 1, 2].map { limits.admit(nil, invoiceLifetime: 10, now: $0) }
        #expect(waits == [nil, nil, 8])
        let later = limits.admit(nil, invoiceLifetime: 10, now: 10)
        #expect(later == nil)
    }
}
