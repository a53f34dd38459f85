// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What an operator's API key may be used for.
public enum OperatorScope: String, Sendable, Hashable, CaseIterable {
    /// Scrape /metrics.
    case metricsRead = "metrics:read"
    /// List credits, tokens and revocations.
    case tokensRead = "tokens:read"
    /// Mint tokens and revoke them.
    case tokensWrite = "tokens:write"
    /// See revenue and audit the ledger.
    case moneyRead = "money:read"
    /// Give value back to credits.
    case moneyRefund = "money:refund"
    /// Make and revoke the credentials of operators.
    case operatorsWrite = "operators:write"
}

/// Who uses an operator's credential.
public struct OperatorIdentity: Sendable, Hashable {
    /// `environment` for the secrets of the process's own configuration.
    public let name: String
    /// Empty for credentials that bypass payment.
    public let scopes: Set<OperatorScope>

    public init(name: String, scopes: Set<OperatorScope>) {
        self.name = name
        self.scopes = scopes
    }
}
