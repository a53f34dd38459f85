// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How far work on rows is that goes on for many rounds, and when the next round begins.
///
/// Rows that cannot be worked on come again in an hour, and are not told of each second.
final class RoundMark: Sendable {
    static let start = "00000000-0000-0000-0000-000000000000"
    private static let rest: Int64 = 3_600_000

    private let state = Mutex((last: RoundMark.start, notBefore: Int64.min))

    /// The last row that was worked on; `nil` while it rests.
    func last(at now: Int64) -> String? { state.withLock { $0.notBefore <= now ? $0.last : nil } }

    func advance(to last: String) { state.withLock { $0.last = last } }

    /// Ends a round.
    func end(at now: Int64) { state.withLock { $0 = (RoundMark.start, now + Self.rest) } }
}

/// Adds up parts of shares until there is a whole one to scrub.
final class ScrubDebt: Sendable {
    private let state = Mutex(0.0)

    /// Adds a part and takes the whole ones.
    func take(_ part: Double) -> Int {
        state.withLock { debt in
            debt = min(debt + part, 1000)
            let whole = debt.rounded(.down)
            debt -= whole
            return Int(whole)
        }
    }
}
