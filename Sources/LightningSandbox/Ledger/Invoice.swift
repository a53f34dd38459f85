// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives

/// An invoice of an account, with its history.
struct Invoice: Sendable, Hashable, Codable {
    /// Open goes to settled or canceled, and both of these are final.
    enum State: String, Sendable, Codable {
        case open = "OPEN"
        case settled = "SETTLED"
        case canceled = "CANCELED"
    }

    /// The payment that settled it.
    struct Settlement: Sendable, Hashable, Codable {
        /// Counts the account's settlements from 1.
        let index: UInt64
        /// Unix seconds.
        let date: Int64
        let paidMsat: Int64
        /// The channel the payment came in by.
        let channelID: UInt64
    }

    let memo: String
    let preimage: HexBytes
    let hash: HexBytes
    /// What is asked for; zero leaves it to the payer.
    let msat: Int64
    /// Unix seconds.
    let creationDate: Int64
    let expirySeconds: Int64
    let paymentRequest: String
    /// Empty for none.
    let descriptionHash: HexBytes
    let cltvExpiry: UInt64
    let isPrivate: Bool
    let fallbackAddress: String
    /// Counts the account's invoices from 1.
    let addIndex: UInt64
    let paymentAddress: HexBytes
    var state: State = .open
    var settlement: Settlement?

    var settleIndex: UInt64 { settlement?.index ?? 0 }

    /// When it is canceled if nobody has paid, in Unix seconds.
    var expiresAt: Int64 { creationDate + expirySeconds }

    /// The invoice as it was when it was added.
    var asAdded: Invoice {
        var invoice = self
        invoice.state = .open
        invoice.settlement = nil
        return invoice
    }
}

/// What a caller asks of a new invoice.
struct InvoiceOrder: Sendable {
    var memo = ""
    /// Drawn at random when `nil`.
    var preimage: [UInt8]?
    var msat: Int64 = 0
    var descriptionHash: [UInt8] = []
    /// Zero stands for the default of a day.
    var expirySeconds: Int64 = 0
    /// Zero stands for the default of 80 blocks.
    var cltvExpiry: UInt64 = 0
    var isPrivate = false
    var fallbackAddress = ""
}
