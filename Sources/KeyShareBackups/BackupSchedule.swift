// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A time of the day, UTC, at which a backup is made.
public struct BackupTime: Sendable, Hashable {
    /// Seconds since midnight.
    let seconds: Int

    /// Reads `HH:MM`.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.count == 2 && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { return nil }
        seconds = hour * 3600 + minute * 60
    }

    /// The newest moment with this time that is not after another.
    func last(before moment: Date) -> Date {
        let day = 86_400.0
        let now = moment.timeIntervalSince1970
        let today = (now / day).rounded(.down) * day + Double(seconds)
        return Date(timeIntervalSince1970: today <= now ? today : today - day)
    }
}

/// When something that is done again and again is due.
struct Timetable: Sendable, Hashable {
    /// After a failure nothing is tried for so long.
    static let pause: TimeInterval = 1800

    /// Whether the backup of the last time of day is missing, or the newest is older than a day.
    static func isBackupDue(time: BackupTime, lastGood: Date?, lastTry: Date?, now: Date) -> Bool {
        if let lastTry, now.timeIntervalSince(lastTry) < pause, lastTry <= now { return false }
        guard let lastGood else { return true }
        return lastGood < time.last(before: now)
    }

    /// Whether a drill is due.
    static func isDrillDue(every interval: TimeInterval, lastDrill: Date?, lastTry: Date?, now: Date) -> Bool {
        if let lastTry, now.timeIntervalSince(lastTry) < pause, lastTry <= now { return false }
        guard let lastDrill else { return true }
        return now.timeIntervalSince(lastDrill) >= interval
    }
}

/// Which backups are kept.
struct RetentionPolicy: Sendable, Hashable {
    /// Everything of the last so many days is kept.
    var days = 7
    /// Of so many weeks before these, the newest each.
    var weekly = 0
    /// Of so many months before these, the newest each.
    var monthly = 0

    struct Kept: Sendable, Hashable {
        let id: UUID
        let at: Date
    }

    /// Those that need not be kept; never the newest.
    func superfluous(_ backups: [Kept], now: Date) -> Set<UUID> {
        let sorted = backups.sorted { $0.at > $1.at }
        let start = now.addingTimeInterval(-Double(days) * 86_400)
        var kept = Set(sorted.prefix(1).map(\.id)).union(sorted.filter { $0.at >= start }.map(\.id))
        let older = sorted.filter { $0.at < start }
        kept.formUnion(newest(older, of: weekly) { Int(($0.timeIntervalSince1970 / (7 * 86_400)).rounded(.down)) })
        kept.formUnion(newest(older, of: monthly, by: Self.month))
        return Set(sorted.map(\.id)).subtracting(kept)
    }

    /// The newest of each of the `count` newest periods.
    private func newest(_ backups: [Kept], of count: Int, by period: (Date) -> Int) -> [UUID] {
        var seen: Set<Int> = []
        return backups.filter { seen.count < count && seen.insert(period($0.at)).inserted }.map(\.id)
    }

    private static func month(_ date: Date) -> Int {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let parts = calendar.dateComponents([.year, .month], from: date)
        return (parts.year ?? 0) * 12 + (parts.month ?? 0)
    }
}

/// Moments as they are written for people and programs.
enum Moment {
    /// UTC with milliseconds, ISO 8601.
    static func text(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    static func date(_ text: String) -> Date? {
        try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// As in the name of a file: `:` and `.` are `-`.
    static func inFileName(_ date: Date) -> String {
        String(text(date).map { $0 == ":" || $0 == "." ? "-" : $0 })
    }

    /// Fourteen digits, as in the name of a database.
    static func inDatabaseName(_ date: Date) -> String {
        String(text(date).prefix(19).filter(\.isNumber))
    }

    static func fromDatabaseName(_ digits: some StringProtocol) -> Date? {
        let digits = Array(digits)
        guard digits.count == 14, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        func part(_ range: Range<Int>) -> String { String(digits[range]) }
        let day = "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))"
        return date("\(day)T\(part(8..<10)):\(part(10..<12)):\(part(12..<14)).000Z")
    }
}
