// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What an administrator can ask for.
enum AdministratorAction: String, Sendable, Hashable, CaseIterable {
    case backup
    case restore
    case history
    case rotateKeypair = "rotate-keypair"
    case rotateKeyEncryptionKey = "rotate-kek"
    case unseal
    case seal
    case audit

    /// Requests of one address in a minute.
    var requestsPerMinute: Int {
        switch self {
        case .restore: 3
        case .backup, .history, .rotateKeypair, .rotateKeyEncryptionKey, .seal: 5
        // Every holder of a piece comes here.
        case .unseal: 20
        case .audit: 60
        }
    }

    /// How long the work may take.
    var deadline: Duration {
        switch self {
        case .backup, .rotateKeyEncryptionKey: .seconds(3600)
        case .restore: .seconds(2 * 3600)
        case .history, .rotateKeypair, .unseal, .seal, .audit: .seconds(60)
        }
    }
}
