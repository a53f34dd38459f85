// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The chains a BOLT 11 invoice can name.
public enum BitcoinNetwork: String, Sendable, Hashable, CaseIterable, Codable {
    case mainnet
    case testnet
    case signet
    case regtest
    /// btcd's simulation network; invoices begin with `lnsb`.
    case simnet

    /// The currency part of a BOLT 11 human-readable part, such as `bc`.
    public var currencyPrefix: String {
        switch self {
        case .mainnet: "bc"
        case .testnet: "tb"
        case .signet: "tbs"
        case .regtest: "bcrt"
        case .simnet: "sb"
        }
    }
}
