// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11

/// What a caller asks of a payment.
struct PaymentOrder: Sendable {
    let invoice: Bolt11Invoice
    /// Given only for an invoice that leaves the amount to the payer.
    var msat: Int64 = 0
}
