// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Glibc
internal import Synchronization

/// A log of one file per UTC day, of which a few are kept.
///
/// Lines are appended whole, so that several processes may write the same file. When the file cannot be written, lines go
/// to standard error: a full disk is no reason to stop serving.
public final class DailyLogFile: Sendable {
    /// Why a log cannot be begun.
    public struct NotWritable: Error, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var descriptor: Int32 = -1
        var day = ""
    }

    private let directory: String
    private let prefix: String
    private let daysKept: Int
    /// Unix seconds.
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())

    /// Opens today's file, and deletes those that are too old.
    ///
    /// - Parameters:
    ///   - directory: is made when it is missing.
    ///   - prefix: what stands before the day: `PREFIX-YYYY-MM-DD.log`.
    ///   - daysKept: how many days, today among them.
    ///   - clock: Unix seconds.
    public init(
        directory: String,
        prefix: String,
        daysKept: Int = 7,
        clock: @escaping @Sendable () -> Int64 = { UTCText.seconds() }
    ) throws(NotWritable) {
        self.directory = directory
        self.prefix = prefix
        self.daysKept = max(1, daysKept)
        now = clock
        try? FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o750]
        )
        let day = Self.day(clock())
        let isOpen = state.withLock { state in
            open(day, &state)
            return state.descriptor >= 0
        }
        guard isOpen else {
            throw NotWritable(description: "\(path(day)) cannot be written: \(String(cString: strerror(errno)))")
        }
        deleteOld(today: day)
    }

    deinit { state.withLock { if $0.descriptor >= 0 { close($0.descriptor) } } }

    /// Appends a line.
    public func write(_ line: String) {
        let day = Self.day(now())
        let bytes = Array((line + "\n").utf8)
        let isNewDay = state.withLock { state in
            let isNewDay = state.day != day
            if isNewDay { open(day, &state) }
            let isWritten =
                state.descriptor >= 0 && Glibc.write(state.descriptor, bytes, bytes.count) == bytes.count
            if !isWritten { _ = Glibc.write(STDERR_FILENO, bytes, bytes.count) }
            return isNewDay
        }
        if isNewDay { deleteOld(today: day) }
    }

    /// Opens the file anew, because it was moved away.
    public func reopen() {
        let day = Self.day(now())
        state.withLock { open(day, &$0) }
    }

    private func path(_ day: String) -> String { "\(directory)/\(prefix)-\(day).log" }

    private func open(_ day: String, _ state: inout State) {
        let descriptor = Glibc.open(path(day), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
        // A day that cannot be begun goes on in the file of the day before.
        guard descriptor >= 0 else { return }
        if state.descriptor >= 0 { close(state.descriptor) }
        state.descriptor = descriptor
        state.day = day
    }

    private func deleteOld(today: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let oldest = Self.day(now() - Int64(daysKept - 1) * 86_400)
        for name in names {
            guard name.hasPrefix(prefix + "-"), name.hasSuffix(".log") else { continue }
            let day = name.dropFirst(prefix.count + 1).dropLast(4)
            // Only what has the form of our own names, and compares as a day.
            guard day.utf8.count == 10, day.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == "-") }), day < oldest
            else { continue }
            unlink("\(directory)/\(name)")
        }
    }

    private static func day(_ seconds: Int64) -> String { String(UTCText.milliseconds(seconds * 1000).prefix(10)) }
}

/// Times as logs write them.
public enum UTCText {
    /// `2026-01-31T23:59:59.123Z`, of milliseconds since 1970.
    public static func milliseconds(_ time: Int64) -> String {
        var seconds = Int(time / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return padded(Int(parts.tm_year) + 1900, 4) + "-" + padded(Int(parts.tm_mon) + 1, 2) + "-"
            + padded(Int(parts.tm_mday), 2) + "T" + padded(Int(parts.tm_hour), 2) + ":" + padded(Int(parts.tm_min), 2)
            + ":" + padded(Int(parts.tm_sec), 2) + "." + padded(Int(time % 1000), 3) + "Z"
    }

    /// Seconds since 1970.
    public static func seconds() -> Int64 { Int64(time(nil)) }

    /// The time now.
    public static func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return milliseconds(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
