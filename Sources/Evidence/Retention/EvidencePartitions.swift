// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import Postgres

/// Makes the parts of the big tables ahead of time and drops them when they are old.
///
/// `outcomes` and `score_snapshots` have a part per month and live 13 months, `buckets` a part per day and lives 31 days.
/// Dropping a part takes no time and leaves nothing to vacuum.
public enum EvidencePartitions {
    /// One part of a table.
    struct Part: Hashable {
        let table: String
        let name: String
        /// The bounds as SQL literals.
        let from: String
        let to: String
    }

    /// Days of counts that are kept.
    public static let dayCount = 31
    /// Months of outcomes that are kept.
    public static let monthCount = 13

    /// Makes the parts that are needed from 31 days ago to a week or two months from now.
    ///
    /// Serialised by an advisory lock; cheap when everything is there.
    public static func ensure(_ client: PostgresClient, now: Int64 = unixTime()) async throws(PostgresError) {
        let parts = parts(around: Date(timeIntervalSince1970: Double(now)))
        try await client.execute(
            make,
            [
                .textArray(parts.map(\.table)), .textArray(parts.map(\.name)), .textArray(parts.map(\.from)),
                .textArray(parts.map(\.to)),
            ],
            deadline: .seconds(60)
        )
    }

    /// Drops the parts whose time is over.
    ///
    /// - Returns: the rows that went, by table, as the statistics know them.
    public static func dropOld(_ client: PostgresClient, now: Int64 = unixTime()) async throws(PostgresError)
        -> [String: Int64]
    {
        var dropped: [String: Int64] = [:]
        for (table, limit) in oldest(Date(timeIntervalSince1970: Double(now))) {
            let rows = try await client.query(drop, [.text(table), .text(limit)], deadline: .seconds(60))
            for row in rows { dropped[table, default: 0] += try row.int8(0) }
        }
        return dropped
    }

    private static let make = Statement(
        "evidence.parts",
        """
        SELECT assay_make_partitions($1, $2, $3, $4)
        """
    )
    private static let drop = Statement("evidence.drop_parts", "SELECT assay_drop_partitions($1, $2)")

    private static var calendar: Calendar {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? .gmt
        return calendar
    }

    static func parts(around now: Date) -> [Part] {
        let calendar = calendar
        let today = calendar.startOfDay(for: now)
        var parts: [Part] = []
        for offset in -dayCount...7 {
            guard let day = calendar.date(byAdding: .day, value: offset, to: today),
                let next = calendar.date(byAdding: .day, value: 1, to: day)
            else { continue }
            parts.append(
                Part(table: "buckets", name: "buckets_\(digits(day))", from: iso(day), to: iso(next))
            )
        }
        let month = calendar.date(from: calendar.dateComponents([.year, .month], from: today)) ?? today
        for offset in -1...2 {
            guard let start = calendar.date(byAdding: .month, value: offset, to: month),
                let end = calendar.date(byAdding: .month, value: 1, to: start)
            else { continue }
            for table in ["outcomes", "score_snapshots"] {
                parts.append(
                    Part(
                        table: table,
                        name: "\(table)_\(digits(start).prefix(6))",
                        from: String(Int64(start.timeIntervalSince1970)),
                        to: String(Int64(end.timeIntervalSince1970))
                    )
                )
            }
        }
        return parts
    }

    /// The name of the oldest part of each table that stays.
    static func oldest(_ now: Date) -> [(table: String, part: String)] {
        let calendar = calendar
        let day = calendar.date(byAdding: .day, value: -dayCount, to: calendar.startOfDay(for: now)) ?? now
        let month = calendar.date(byAdding: .month, value: -monthCount, to: now) ?? now
        return [
            ("buckets", "buckets_\(digits(day))"), ("outcomes", "outcomes_\(digits(month).prefix(6))"),
            ("score_snapshots", "score_snapshots_\(digits(month).prefix(6))"),
        ]
    }

    private static func iso(_ date: Date) -> String {
        let digits = digits(date)
        return "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.suffix(2))"
    }

    /// The day as yyyymmdd.
    private static func digits(_ date: Date) -> String {
        let parts = calendar.dateComponents([.year, .month, .day], from: date)
        let number = (parts.year ?? 0) * 10_000 + (parts.month ?? 0) * 100 + (parts.day ?? 0)
        return String(number)
    }
}
