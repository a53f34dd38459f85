// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A fact about the sandbox, one line of the journal.
///
/// The ledger's state is what follows from its events, and nothing else.
enum LedgerEvent: Sendable, Codable {
    case accountOpened(name: String, identity: HexBytes, msat: Int64)
    case rootKeyMade(account: Int, id: UInt64, key: HexBytes)
    case rootKeyDeleted(account: Int, id: UInt64)
    case invoiceAdded(account: Int, invoice: Invoice)
    case invoiceCanceled(account: Int, hash: HexBytes)
    case paymentFailed(payer: Int, payment: Payment)
    case paymentSucceeded(payer: Int, payee: Int, payment: Payment)
}
