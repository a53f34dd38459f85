// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import RoughtimeKeys

@Suite("The policy of delegations")
struct PolicyTests {
    private let now: Int64 = 1_800_000_000
    private var clock: KernelClock { KernelClock(now: now, isSynchronised: true) }

    private func code(_ body: () throws -> Void) -> RoughtimeKeyError.Code? {
        do {
            try body()
            return nil
        } catch {
            return (error as? RoughtimeKeyError)?.code
        }
    }

    private func minting(_ time: Int64) -> Minting {
        Minting(time: time, publicKey: String(repeating: "0", count: 64), notBefore: time, notAfter: time)
    }

    @Test("begins ten minutes ago and ends after the life, two days unless said otherwise")
    func window() throws {
        #expect(try DelegationPolicy().window(for: now, clock: clock, mintings: []) == now - 600...now + 172_800)
        let short = try DelegationPolicy(life: 61)
        #expect(try short.window(for: now, clock: clock, mintings: []) == now - 600...now + 61)
    }

    @Test("refuses lives outside 61 seconds to three days", arguments: [-1, 0, 60, 259_201, .max] as [Int64])
    func lives(life: Int64) {
        #expect(code { _ = try DelegationPolicy(life: life) } == .refused)
    }

    @Test("allows the ends of its ranges, and eight days offline only")
    func rangeEnds() throws {
        for life: Int64 in [61, 259_200] { #expect(try DelegationPolicy(life: life).life == life) }
        #expect(try DelegationPolicy(life: 691_200, isOffline: true).life == 691_200)
        #expect(code { _ = try DelegationPolicy(life: 691_201, isOffline: true) } == .refused)
        #expect(code { _ = try DelegationPolicy(life: 60, isOffline: true) } == .refused)
    }

    @Test("refuses while the clock is not synchronised, unless that is allowed")
    func unsynchronised() throws {
        let clock = KernelClock(now: now, isSynchronised: false)
        #expect(code { _ = try DelegationPolicy().window(for: now, clock: clock, mintings: []) } == .refused)
        let wide = try DelegationPolicy(allowsUnsynchronisedClock: true)
        #expect(try wide.window(for: now, clock: clock, mintings: []).lowerBound == now - 600)
    }

    @Test("refuses while the clock is behind the last minting")
    func clockBehind() throws {
        let policy = try DelegationPolicy()
        #expect(code { _ = try policy.window(for: now, clock: clock, mintings: [minting(now + 1)]) } == .refused)
        #expect(
            code { _ = try policy.window(for: now, clock: clock, mintings: [minting(now + 1), minting(now - 1)]) }
                == .refused
        )
        #expect(code { _ = try policy.window(for: now, clock: clock, mintings: [minting(now)]) } == nil)
    }

    @Test("allows eight mintings in any 24 hours and not a ninth")
    func mintingsPerDay() throws {
        let policy = try DelegationPolicy()
        let eight = (0..<8).map { minting(now - 86_399 + $0) }
        #expect(code { _ = try policy.window(for: now, clock: clock, mintings: Array(eight.dropFirst())) } == nil)
        #expect(code { _ = try policy.window(for: now, clock: clock, mintings: eight) } == .refused)
        let later = KernelClock(now: now + 1, isSynchronised: true)
        #expect(code { _ = try policy.window(for: now, clock: later, mintings: eight) } == nil)
    }

    @Test("refuses requests of the future and those left behind")
    func requestAge() throws {
        let policy = try DelegationPolicy()
        for created in [now + 600, now - 691_200] {
            #expect(code { _ = try policy.window(for: created, clock: clock, mintings: []) } == nil)
        }
        for created in [now + 601, now - 691_201, 0, .max] {
            #expect(code { _ = try policy.window(for: created, clock: clock, mintings: []) } == .refused)
        }
        let start = KernelClock(now: 600, isSynchronised: true)
        #expect(code { _ = try policy.window(for: 600, clock: start, mintings: []) } == .refused)
    }

    @Test("is asked of the kernel's clock")
    func kernelClock() throws {
        let clock = try KernelClock.read()
        #expect(abs(clock.now - KernelClock.checkedElsewhere().now) <= 5)
    }
}
