// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// What a token may use of its credit, because its holder has narrowed it.
///
/// A count belongs to the place in the token where the limit was added, so everything derived from the narrowed token
/// shares it: appending further restrictions does not begin a new count.
public struct SpendingLimit: Sendable, Hashable {
    /// Names the count: 32 bytes, the SHA-256 of the token's signature at the limit.
    public let key: [UInt8]
    /// Requests, at most.
    public let uses: Int64?
    /// What they may cost together, at most.
    public let amount: MilliSatoshi?

    /// Describes a limit.
    /// - Precondition: the key has 32 bytes.
    public init(key: [UInt8], uses: Int64? = nil, amount: MilliSatoshi? = nil) {
        precondition(key.count == 32, "a count is named by 32 bytes")
        self.key = key
        self.uses = uses
        self.amount = amount
    }
}
