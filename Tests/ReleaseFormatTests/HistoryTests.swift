// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ReleaseFormat
import Testing

@Suite("The history of releases")
struct HistoryTests {
    func version(_ text: String) throws -> ReleaseVersion { try #require(ReleaseVersion(text)) }

    /// A history in which these were switched to; `!` stands before one that failed, `?` before one left unfinished.
    func history(_ words: String) throws -> ReleaseHistory {
        var history = ReleaseHistory()
        for (time, word) in words.split(separator: " ").enumerated() {
            history.begin(
                try version(word.trimmingCharacters(in: ["!", "?"])),
                reason: .install,
                time: Int64(time)
            )
            if !word.hasPrefix("?") { history.finish(word.hasPrefix("!") ? .failed : .active) }
        }
        return history
    }

    @Test(
        "the release before is the one that was active before, not the next lower version",
        arguments: [
            ("", "none", "none"), ("1.0.0", "1.0.0", "none"), ("1.0.0 2.0.0", "2.0.0", "1.0.0"),
            // After a downgrade, the newer one.
            ("1.0.0 3.0.0 2.0.0", "2.0.0", "3.0.0"),
            // After going back, the one gone back from; the older one stays within reach by its number.
            ("1.0.0 2.0.0 3.0.0 2.0.0", "2.0.0", "3.0.0"),
            // A failed one was never active.
            ("1.0.0 2.0.0 !3.0.0", "2.0.0", "1.0.0"),
            // An interrupted one may be current; what was healthy before it is the previous one.
            ("1.0.0 2.0.0 ?3.0.0", "3.0.0", "2.0.0"), ("1.0.0 2.0.0 ?3.0.0", "2.0.0", "1.0.0"),
            ("1.0.0 2.0.0 2.0.0", "2.0.0", "1.0.0"),
            // Somebody set the link by hand.
            ("1.0.0 2.0.0", "9.0.0", "2.0.0"), ("1.0.0 2.0.0", "none", "2.0.0"),
        ]
    )
    func previous(words: String, current: String, expected: String) throws {
        #expect(try history(words).previous(current: ReleaseVersion(current)) == ReleaseVersion(expected))
    }

    @Test("old releases may go, but never the current one, the previous one, or the newest that shall stay")
    func keep() throws {
        let installed = try (1...8).map { try version("\($0).0.0") }
        let words = installed.map(\.description).joined(separator: " ")
        func removable(_ words: String, current: String, keep: Int) throws -> [String] {
            try history(words).removable(installed: installed, current: ReleaseVersion(current), keep: keep)
                .map { "\($0.description.prefix(1))" }
        }
        #expect(try removable(words, current: "8.0.0", keep: 5) == ["3", "2", "1"])
        #expect(try removable(words + " 2.0.0", current: "2.0.0", keep: 5) == ["4", "3", "1"])
        #expect(try removable(words + " 2.0.0 1.0.0", current: "1.0.0", keep: 2) == ["8", "7", "6", "5", "4", "3"])
        #expect(try removable(words, current: "8.0.0", keep: 8) == [])
    }

    @Test("an unfinished switch is known, and counts as failed once another begins")
    func unfinished() throws {
        var history = try history("1.0.0 ?2.0.0")
        let (first, second) = (try version("1.0.0"), try version("2.0.0"))
        #expect(history.unfinished == second)
        history.begin(try version("1.0.0"), reason: .rollback, time: 5)
        #expect(history.switches.map(\.outcome) == [.active, .failed, .pending])
        history.finish(.active)
        #expect(history.unfinished == nil && history.lastActive(first) == 5)
        #expect(history.lastActive(second) == nil)
    }

    @Test("a history is written and read as the same, and is bounded")
    func file() throws {
        var history = try history("1.0.0 !2.0.0 ?3.0.0-rc.1")
        #expect(try ReleaseHistory(parsing: history.bytes) == history)
        for text in ["", "{}", "[]", "{\"format\":\"assay/release-history/2\",\"switches\":[]}"] {
            #expect(code { _ = try ReleaseHistory(parsing: Array(text.utf8)) } == .malformed)
        }
        for count in history.bytes.indices.dropLast() {
            _ = try? ReleaseHistory(parsing: Array(history.bytes.prefix(count)))
        }
        for time in 0..<Int64(ReleaseHistory.countLimit + 10) {
            history.begin(try version("1.0.0"), reason: .install, time: time)
        }
        #expect(history.switches.count == ReleaseHistory.countLimit)
        #expect(try ReleaseHistory(parsing: history.bytes) == history)
    }
}
