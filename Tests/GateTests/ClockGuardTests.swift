// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import L402
import Synchronization
import Testing

@testable import Gate

@Suite("The guard of the clock in the gate")
struct ClockGuardTests {
    @Test("it asks each time, and refuses only while the clock is wrong")
    func asks() throws {
        let answers = Mutex([true, false, true])
        let clock = ClockGuard { answers.withLock { $0.removeFirst() } }
        try clock.check()
        #expect(throws: Refusal(.unsynchronised)) { try clock.check() }
        try clock.check()
        #expect(answers.withLock { $0.isEmpty })
    }

    @Test("who is refused for the clock is asked to wait, not to pay")
    func remedy() throws {
        #expect(Refusal(.unsynchronised).remedy == .wait)
        try ClockGuard.off.check()
    }
}
