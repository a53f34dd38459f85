// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import KeyShareProtocol
import Testing

@testable import KeyShareBackups

@Suite struct ScheduleTests {
    private func date(_ text: String) throws -> Date { try #require(Moment.date(text)) }

    @Test(arguments: ["", "3:17", "03:17:00", "24:00", "03:60", "-1:00", "03 17", "٠٣:١٧", "off", "03:17 "])
    func `what is no time of the day is refused`(text: String) {
        #expect(BackupTime(text) == nil)
    }

    @Test func `a backup is due once after its time of the day`() throws {
        let time = try #require(BackupTime("03:17"))
        let now = try date("2026-11-21T12:00:00.000Z")
        func isDue(_ last: String?, _ tried: String? = nil) throws -> Bool {
            Timetable.isBackupDue(
                time: time,
                lastGood: try last.map { try date($0) },
                lastTry: try tried.map { try date($0) },
                now: now
            )
        }
        #expect(try isDue(nil))
        #expect(try isDue("2026-11-21T03:16:59.999Z"))
        #expect(try !isDue("2026-11-21T03:17:00.000Z"))
        #expect(try isDue("2026-11-20T12:00:00.000Z"))
        #expect(try !isDue(nil, "2026-11-21T11:45:00.000Z"))
        #expect(try isDue(nil, "2026-11-21T11:29:59.000Z"))
        // A clock that was set back does not keep backups from being made.
        #expect(try isDue(nil, "2026-11-22T12:00:00.000Z"))
        #expect(time.last(before: try date("2026-11-21T03:16:59.000Z")) == (try date("2026-11-20T03:17:00.000Z")))
        #expect(time.last(before: try date("2026-11-21T03:17:00.000Z")) == (try date("2026-11-21T03:17:00.000Z")))
    }

    @Test func `seven days, the newest of each week and of each month are kept, and never nothing`() throws {
        let now = try date("2026-11-21T12:00:00.000Z")
        let all = (0..<400).map { day in
            RetentionPolicy.Kept(id: UUID(), at: now.addingTimeInterval(-Double(day) * 86_400 - 60))
        }
        func kept(_ policy: RetentionPolicy, _ backups: [RetentionPolicy.Kept]) -> [Int] {
            let gone = policy.superfluous(backups.shuffled(), now: now)
            return all.indices.filter { index in backups.contains(all[index]) && !gone.contains(all[index].id) }
        }
        #expect(kept(RetentionPolicy(), all) == Array(0..<7))
        let weekly = kept(RetentionPolicy(weekly: 4), all)
        #expect(weekly.count == 11 && weekly.starts(with: 0..<7))
        #expect(zip(weekly.dropFirst(8), weekly.dropFirst(9)).allSatisfy { $1 - $0 == 7 })
        let monthly = kept(RetentionPolicy(monthly: 3), all)
        #expect(monthly.count == 10)
        let months = monthly.dropFirst(7).map { Moment.text(all[$0].at).prefix(10) }
        #expect(months == ["2026-11-14", "2026-10-31", "2026-09-30"])
        // Kept although all are old: the newest is all that there is.
        #expect(kept(RetentionPolicy(), Array(all[100...])) == [100])
        #expect(RetentionPolicy().superfluous([], now: now).isEmpty)
    }

    @Test func `moments in names are read again`() throws {
        let moment = try date("2026-11-21T03:17:05.123Z")
        #expect(Moment.inFileName(moment) == "2026-11-21T03-17-05-123Z")
        #expect(Moment.inDatabaseName(moment) == "20261121031705")
        #expect(Moment.fromDatabaseName("20261121031705") == (try date("2026-11-21T03:17:05.000Z")))
        for text in ["2026112103170", "202611210317055", "2026112103170a", "20261399031705", ""] {
            #expect(Moment.fromDatabaseName(text) == nil, "\(text)")
        }
    }

    @Test func `a database's name is made fit for a file`() {
        for (name, expected) in [
            ("oko_2", "oko_2"), ("../etc", "db.._etc"), (".x", "db.x"), ("a b\u{0}", "a_b_"),
            ("schlüssel", "schl_ssel"),
            ("", "db"),
        ] {
            #expect(BackupMaker.fileName(name) == expected)
            #expect(DumpPath(BackupMaker.fileName(name) + "_2026.akb") != nil)
        }
    }
}
