// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// What is remembered between two looks: since when each cause lasts and when it was last told.
public struct HealthState: Sendable, Codable, Hashable {
    struct Entry: Sendable, Codable, Hashable {
        let since: Int64
        var toldAt: Int64
        var text: String
    }

    var entries: [String: Entry] = [:]

    public init() {}

    /// What to tell, given what was found now; updates the memory.
    ///
    /// A new cause is told at once, one that lasts every `reminder` seconds, and one that went away once.
    public mutating func update(_ report: HealthReport, now: Int64, reminder: Int64 = 6 * 3600) -> [String] {
        var messages: [String] = []
        var next: [String: Entry] = [:]
        for cause in report.causes {
            if var known = entries[cause.key] {
                if now - known.toldAt >= reminder {
                    messages.append("STILL [\(cause.key)] since \((now - known.since) / 60) min: \(cause.text)")
                    known.toldAt = now
                }
                known.text = cause.text
                next[cause.key] = known
            } else {
                messages.append("PROBLEM [\(cause.key)] \(cause.text)")
                next[cause.key] = Entry(since: now, toldAt: now, text: cause.text)
            }
        }
        for (key, entry) in entries.sorted(by: { $0.key < $1.key }) where next[key] == nil {
            messages.append("RECOVERED [\(key)] after \((now - entry.since) / 60) min: \(entry.text)")
        }
        entries = next
        return messages
    }
}
