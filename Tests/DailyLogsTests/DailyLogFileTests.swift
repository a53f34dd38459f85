// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import DailyLogs
import Foundation
import Logging
import Synchronization
import Testing

@Suite("Daily log files")
struct DailyLogFileTests {
    private final class Clock: Sendable {
        private let seconds: Mutex<Int64>
        init(_ start: Int64) { seconds = Mutex(start) }
        var now: Int64 { seconds.withLock { $0 } }
        func advance(_ by: Int64) { seconds.withLock { $0 += by } }
    }

    /// 2026-01-31T23:59:50Z.
    private static let lateEvening: Int64 = 1_769_903_990

    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "assay-logs-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    @Test("the line after midnight UTC begins the next day's file, without a restart")
    func midnight() throws {
        try withDirectory { directory in
            let clock = Clock(Self.lateEvening)
            let file = try DailyLogFile(directory: directory, prefix: "ksnode") { clock.now }
            file.write("one")
            clock.advance(9)
            file.write("two")
            clock.advance(1)
            file.write("three")
            #expect(text(directory + "/ksnode-2026-01-31.log") == "one\ntwo\n")
            #expect(text(directory + "/ksnode-2026-02-01.log") == "three\n")
        }
    }

    @Test("seven days are kept, and files of other names are left alone")
    func retention() throws {
        try withDirectory { directory in
            let clock = Clock(Self.lateEvening)
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            for name in ["ksnode-2025-12-31.log", "ksnode-notes.log", "other-2020-01-01.log", "ksnode-2026-01-25.log"] {
                #expect(FileManager.default.createFile(atPath: directory + "/" + name, contents: nil))
            }
            let file = try DailyLogFile(directory: directory, prefix: "ksnode") { clock.now }
            func names() throws -> Set<String> { Set(try FileManager.default.contentsOfDirectory(atPath: directory)) }
            #expect(
                try names() == [
                    "ksnode-notes.log", "other-2020-01-01.log", "ksnode-2026-01-25.log", "ksnode-2026-01-31.log",
                ]
            )
            for _ in 0..<10 {
                clock.advance(86_400)
                file.write("a day")
            }
            let days = try names().filter { $0.hasPrefix("ksnode-2026") }
            #expect(days == Set((4...10).map { "ksnode-2026-02-\($0 < 10 ? "0" : "")\($0).log" }))
            #expect(try names().isSuperset(of: ["ksnode-notes.log", "other-2020-01-01.log"]))
        }
    }

    @Test("a file that was moved away is begun anew when it is opened again")
    func reopening() throws {
        try withDirectory { directory in
            let file = try DailyLogFile(directory: directory, prefix: "ksnode") { Self.lateEvening }
            let path = directory + "/ksnode-2026-01-31.log"
            file.write("before")
            try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
            file.reopen()
            file.write("after")
            #expect(text(path + ".1") == "before\n")
            #expect(text(path) == "after\n")
        }
    }

    @Test("a directory that cannot be written is said at once")
    func unwritable() {
        #expect(throws: DailyLogFile.NotWritable.self) {
            try DailyLogFile(directory: "/proc/nothing", prefix: "ksnode")
        }
    }

    @Test("a line is one line, whatever the message holds")
    func lines() throws {
        let lines = Mutex<[String]>([])
        for format in [LineLogHandler.Format.text, .json] {
            var logger = Logger(label: "x") { _ in
                LineLogHandler(format: format, level: .info, time: { "T" }) { line in lines.withLock { $0.append(line) }
                }
            }
            logger[metadataKey: "b"] = "2"
            logger.debug("not this")
            logger.warning("hello\nerror: forged", metadata: ["a": "1\r2"])
        }
        let written = lines.withLock { $0 }
        #expect(written.count == 2)
        #expect(written.first == "T warn: hello error: forged a=1 2 b=2")
        let object = try JSONDecoder().decode([String: String].self, from: Data((written.last ?? "").utf8))
        #expect(object == ["time": "T", "level": "warn", "message": "hello\nerror: forged", "a": "1\r2", "b": "2"])
        #expect(written.allSatisfy { !$0.contains("\n") && !$0.contains("\r") })
    }

    @Test("times are ISO 8601 with milliseconds, UTC")
    func times() {
        #expect(UTCText.milliseconds(0) == "1970-01-01T00:00:00.000Z")
        #expect(UTCText.milliseconds(1_769_903_990_007) == "2026-01-31T23:59:50.007Z")
    }
}
