// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import LightningPrimitives
import RequestLimits
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

    private func ask(
        _ limits: inout ChallengeLimits,
        _ client: IPAddress? = nil,
        service: String = "assay",
        hasSolvedPuzzle: Bool = false,
        now: Double = 0,
        expiry: Double = 600
    ) -> ChallengeLimits.Answer {
        let answer = limits.admit(client, service: service, hasSolvedPuzzle: hasSolvedPuzzle, now: now)
        if answer == .admitted { limits.opened(Preimage.random().paymentHash, expiry: expiry) }
        return answer
    }

    @Test("one network cannot rotate its addresses, and others are not affected")
    func prefixes() {
        var configuration = GateConfiguration()
        configuration.challengesPerSecond = 1
        configuration.challengeBurst = 2
        var limits = ChallengeLimits(configuration)
        let answers = ["192.0.2.1", "192.0.2.77", "192.0.2.200", "198.51.100.1"].map {
            ask(&limits, IPAddress($0))
        }
        #expect(answers == [.admitted, .admitted, .wait(seconds: 1, isClientsOwn: true), .admitted])
        #expect(ask(&limits, IPAddress("192.0.2.9"), hasSolvedPuzzle: true) == .admitted)
    }

    @Test("a flood at one service leaves the others open, and no puzzle helps against it")
    func services() {
        var configuration = GateConfiguration()
        configuration.serviceChallengesPerSecond = 1
        var limits = ChallengeLimits(configuration)
        let answers = (0..<3).map { _ in ask(&limits, hasSolvedPuzzle: true) }
        #expect(answers == [.admitted, .admitted, .wait(seconds: 1, isClientsOwn: false)])
        #expect(ask(&limits, service: "weather") == .admitted)
    }

    @Test("open invoices are capped, free their place when they expire, and are cancelled once")
    func openInvoices() {
        var configuration = GateConfiguration()
        configuration.openInvoiceLimit = 2
        var limits = ChallengeLimits(configuration)
        let answers = [0.0, 1, 2].map { ask(&limits, now: $0, expiry: $0 + 10) }
        #expect(answers == [.admitted, .admitted, .wait(seconds: 8, isClientsOwn: false)])
        #expect(ask(&limits, now: 10, expiry: 20) == .admitted)
        #expect(limits.openCount == 2)
        #expect(limits.takeExpired(now: 11).count == 2)
        #expect(limits.takeExpired(now: 11).isEmpty)
        #expect(limits.openCount == 1)
    }

    @Test("a paid invoice makes room for another one, and one that could not be made takes none")
    func paidInvoices() {
        var configuration = GateConfiguration()
        configuration.openInvoiceLimit = 1
        var limits = ChallengeLimits(configuration)
        let hash = Preimage.random().paymentHash
        #expect(limits.admit(nil, service: "assay", hasSolvedPuzzle: false, now: 0) == .admitted)
        #expect(limits.admit(nil, service: "assay", hasSolvedPuzzle: false, now: 0) != .admitted)
        limits.opened(hash, expiry: 600)
        limits.closed(hash)
        #expect(limits.admit(nil, service: "assay", hasSolvedPuzzle: false, now: 0) == .admitted)
        limits.failed()
        #expect(ask(&limits) == .admitted)
    }
}
