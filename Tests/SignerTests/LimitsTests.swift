// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import IPAddresses
import Pomade
import Synchronization
import Testing

@testable import Signer

@Suite("Who may ask how often")
struct LimitsTests {
    private final class Clock: Sendable {
        let time = Mutex(0.0)
        func advance(_ seconds: Double) { time.withLock { $0 += seconds } }
    }

    private let address = Hex32.random()
    private func network(_ number: Int) -> IPNetwork? { IPNetwork("10.\(number / 256).\(number % 256).0/24") }

    @Test("a session that signs steadily within its limit is never cut off")
    func steady() throws {
        let clock = Clock()
        let limits = SignerLimits { clock.time.withLock { $0 } }
        let client = Hex32.random()
        for _ in 0..<5000 {
            try limits.countOperation(client)
            clock.advance(0.13)
        }
        let other = Hex32.random()
        for _ in 0..<500 { try limits.countOperation(other) }
        #expect(throws: SignerFailure.self) { try limits.countOperation(other) }
    }

    @Test("an address gets three codes in ten minutes and ten a day")
    func codes() {
        let clock = Clock()
        let limits = SignerLimits { clock.time.withLock { $0 } }
        #expect((0..<5).filter { _ in limits.allowsCode(address) }.count == 3)
        var sent = 3
        for _ in 0..<40 {
            clock.advance(600)
            while limits.allowsCode(address) { sent += 1 }
        }
        #expect((10...13).contains(sent))
    }

    @Test("others' failures never keep the owner's network out, its own do")
    func failures() {
        let clock = Clock()
        let limits = SignerLimits { clock.time.withLock { $0 } }
        for number in 0..<1000 {
            #expect(limits.beginAttempt(address, from: network(number)))
            limits.endAttempt(address, from: network(number), failed: true)
        }
        let owner = IPNetwork("192.0.2.0/24")
        #expect(limits.beginAttempt(address, from: owner))
        limits.endAttempt(address, from: owner, failed: false)
        // Who has failed may not go on once the day's failures are used up.
        #expect(!limits.beginAttempt(address, from: network(1)))
        for _ in 0..<5 { #expect(limits.beginAttempt(address, from: owner)) }
        #expect(!limits.beginAttempt(address, from: owner))
        for _ in 0..<5 { limits.endAttempt(address, from: owner, failed: true) }
        #expect(!limits.beginAttempt(address, from: owner))
        #expect(limits.beginAttempt(Hex32.random(), from: owner))
    }
}
