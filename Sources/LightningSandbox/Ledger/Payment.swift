// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A payment an account has tried.
///
/// It is over when it is recorded: the sandbox moves money in one step, and only tells it in LND's three.
struct Payment: Sendable, Hashable, Codable {
    /// Why a payment failed.
    enum Failure: String, Sendable, Codable {
        case noRoute = "FAILURE_REASON_NO_ROUTE"
        case insufficientBalance = "FAILURE_REASON_INSUFFICIENT_BALANCE"
        case incorrectDetails = "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS"
    }

    /// The one hop that was tried: the sandbox's accounts are neighbours.
    struct Attempt: Sendable, Hashable, Codable {
        let destination: String
        let channelID: UInt64
        let paymentAddress: HexBytes
    }

    let hash: HexBytes
    let paymentRequest: String
    let msat: Int64
    /// Unix nanoseconds.
    let creationTimeNs: Int64
    let resolveTimeNs: Int64
    /// Counts the account's payments from 1.
    let index: UInt64
    /// The proof of payment; `nil` when it failed.
    let preimage: HexBytes?
    let failure: Failure?
    /// `nil` when no route was found.
    let attempt: Attempt?
}
