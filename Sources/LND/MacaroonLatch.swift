// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// Whether the node takes a macaroon: once it was refused, one call a minute tries it again.
///
/// Retrying a refused macaroon with every call would bury the one message an operator needs.
struct MacaroonLatch: Sendable {
    private static let pause = 60.0

    private var retryAt: Double?

    var isLatched: Bool { retryAt != nil }

    /// Whether a call may be sent; of those that come when the pause is over, the first.
    mutating func admit(now: Double) -> Bool {
        guard let retryAt else { return true }
        guard now >= retryAt else { return false }
        self.retryAt = now + Self.pause
        return true
    }

    /// - Returns: whether it was taken before.
    mutating func latch(now: Double) -> Bool {
        defer { retryAt = now + Self.pause }
        return retryAt == nil
    }

    /// - Returns: whether it was refused before.
    mutating func release() -> Bool {
        defer { retryAt = nil }
        return retryAt != nil
    }
}
