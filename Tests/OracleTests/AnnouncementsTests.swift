// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import Oracle

/// A burst of announcements costs one load, and none is forgotten.
struct AnnouncementsTests {
    /// Runs until everything announced is served; returns how many calls that took.
    private static func calls(
        _ announcements: Announcements,
        gathering: @escaping @Sendable (Int) -> Void = { _ in },
        serving: @escaping @Sendable (Int) -> Void
    ) async -> Int {
        let pauses = Atomic<Int>(0)
        let calls = Atomic<Int>(0)
        await announcements.forEachBurst(gathering: {
            gathering(pauses.add(1, ordering: .relaxed).newValue)
        }) {
            serving(calls.add(1, ordering: .relaxed).newValue)
        }
        return calls.load(ordering: .relaxed)
    }

    @Test("a burst is served by one call, whether it comes at once or in the moment after its first")
    func burst() async {
        let announcements = Announcements()
        for _ in 0..<100 { announcements.note() }
        let calls = await Self.calls(announcements) { pause in
            // The rest of the burst, after the first has been taken out of the queue.
            for _ in 0..<100 { announcements.note() }
            if pause == 1 { announcements.finish() }
        } serving: { _ in
        }
        #expect(calls == 1)
    }

    @Test("what is announced while a call is under way is served by one more")
    func during() async {
        let announcements = Announcements()
        announcements.note()
        let calls = await Self.calls(announcements) { call in
            if call == 1 { for _ in 0..<100 { announcements.note() } }
            announcements.finish()
        }
        #expect(calls == 2)
    }
}
