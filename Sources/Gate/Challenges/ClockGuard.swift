// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import L402

/// Says whether this machine's clock may be trusted with the expiry of tokens and invoices.
///
/// A token is only as good as the clock that dated it, so while the clock is known to be wrong nothing that expires is made.
/// What was made before is still accepted.
public struct ClockGuard: Sendable {
    /// When a refused client may ask again.
    static let retryAfterSeconds = 60

    private let isRight: @Sendable () -> Bool

    /// - Parameter isRight: asked before anything is made; must not wait.
    public init(isRight: @escaping @Sendable () -> Bool) {
        self.isRight = isRight
    }

    /// Trusts the clock, whatever it shows.
    public static let off = ClockGuard { true }

    /// Refuses while the clock is wrong.
    func check() throws(Refusal) {
        guard isRight() else { throw Refusal(.unsynchronised) }
    }
}
