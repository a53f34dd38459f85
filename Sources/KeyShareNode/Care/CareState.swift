// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// Up to which share format 1 has been rewritten in this round.
final class MigrationMark: Sendable {
    static let start = "00000000-0000-0000-0000-000000000000"

    private let state = Mutex(MigrationMark.start)

    var value: String {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
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
