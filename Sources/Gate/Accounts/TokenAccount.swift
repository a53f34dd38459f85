// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import L402
public import Ledger
public import LightningPrimitives

/// What the holder of a token is told about it.
public struct TokenAccount: Sendable {
    public let identifier: L402Identifier
    public let service: String
    public let summary: TokenRestrictions
    /// What was paid for, or is known to have been paid; the credit is made at the first use.
    public let paid: MilliSatoshi
    /// What can still be spent, restrictions of this very token included.
    public let remaining: MilliSatoshi
    /// The credit as it stands; `nil` before the first use.
    public let credit: Credit?
    /// Requests that this very token may still make, because its holder has restricted it; `nil` for no such limit.
    public let usesLeft: Int64?
}

/// Why a token cannot be upgraded.
public enum UpgradeProblem: Error, Sendable, Hashable {
    case refused(Refusal)
    case headerTooLarge
    /// The token was narrowed by its holder: only the one who bought it may replace it.
    case narrowed
    /// A deposit is topped up by another deposit.
    case isDeposit
}
