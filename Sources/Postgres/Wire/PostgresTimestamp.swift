// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// PostgreSQL's binary timestamps: microseconds since 2000-01-01 00:00 UTC.
enum PostgresTimestamp {
    /// Seconds from 1970-01-01 to 2000-01-01.
    private static let epoch = 946_684_800.0

    static func date(microseconds: Int64) -> Date {
        let (seconds, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return Date(timeIntervalSince1970: epoch + Double(seconds) + Double(rest) / 1_000_000)
    }

    /// The nearest microsecond; dates outside of what an `Int64` holds become `infinity` or `-infinity`.
    static func microseconds(of date: Date) -> Int64 {
        let value = ((date.timeIntervalSince1970 - epoch) * 1_000_000).rounded()
        return Int64(exactly: value) ?? (value > 0 ? .max : .min)
    }
}
