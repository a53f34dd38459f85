// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// Times as RFC 3339 text in UTC with whole seconds, such as `2026-03-15T12:05:00Z`.
enum Timestamp {
    /// Writes a time given in Unix seconds.
    static func text(_ unixTime: Int64) -> String {
        Date(timeIntervalSince1970: Double(unixTime)).formatted(.iso8601)
    }

    /// Reads exactly what ``text(_:)`` writes, or returns `nil`.
    static func unixTime(_ text: String) -> Int64? {
        guard text.utf8.count == 20, let date = try? Date.ISO8601FormatStyle.iso8601.parse(text) else { return nil }
        let seconds = Int64(date.timeIntervalSince1970)
        return Self.text(seconds) == text ? seconds : nil
    }
}
