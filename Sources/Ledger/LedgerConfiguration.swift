// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What the ledger bounds.
public struct LedgerConfiguration: Sendable {
    /// How long a hold lives that is neither settled nor released; longer than any handler may take.
    public var holdLifetime: Duration

    /// Debits that may wait for a statement before new ones fail with `.overloaded`.
    public var queueLimit: Int

    /// Debits in one statement, at most.
    public var batchLimit: Int

    /// Describes the bounds.
    public init(holdLifetime: Duration = .seconds(90), queueLimit: Int = 16_384, batchLimit: Int = 512) {
        self.holdLifetime = holdLifetime
        self.queueLimit = max(1, queueLimit)
        self.batchLimit = max(1, batchLimit)
    }
}
