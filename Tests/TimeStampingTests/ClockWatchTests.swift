// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PostgresTestSupport
import Synchronization
import Testing

@testable import TimeStamping

@Suite("The guard of the clock")
struct ClockWatchTests {
    /// A watch that gets these verdicts, one after the other.
    private func watch(_ verdicts: [ClockVerdict]) -> ClockWatch {
        let rest = Mutex(verdicts)
        return ClockWatch(interval: .seconds(900), retry: .seconds(60), logger: TestDatabase.silentLogger) {
            rest.withLock { $0.isEmpty ? .noQuorum("the end") : $0.removeFirst() }
        }
    }

    @Test("a clock counts as right until a quorum says otherwise, and again when one says so")
    func verdicts() async {
        let watch = watch([.wrong(offsetSeconds: 3600), .right])
        #expect(watch.isClockRight)
        await watch.judge()
        #expect(!watch.isClockRight)
        await watch.judge()
        #expect(watch.isClockRight)
    }

    @Test("without a quorum the last verdict stays, whichever it was")
    func noQuorum() async {
        let watch = watch([.noQuorum("nobody"), .wrong(offsetSeconds: -60), .noQuorum("nobody"), .noQuorum("nobody")])
        await watch.judge()
        #expect(watch.isClockRight)
        for _ in 0..<3 {
            await watch.judge()
            #expect(!watch.isClockRight)
        }
    }

    @Test("the next check comes soon while the clock is wrong, and after longer and longer while nobody can judge it")
    func waits() async {
        let verdicts: [ClockVerdict] =
            [.right, .wrong(offsetSeconds: 60), .right]
            + [ClockVerdict](repeating: .noQuorum(""), count: 6) + [.right]
        let watch = watch(verdicts)
        var waits: [Duration] = []
        for _ in verdicts {
            await watch.judge()
            waits.append(watch.wait)
        }
        #expect(waits == [900, 60, 900, 60, 120, 240, 480, 900, 900, 900].map { .seconds($0) })
    }
}
