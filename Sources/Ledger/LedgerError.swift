// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// Why the ledger does not grant, settle or release; the set is closed, so that every refusal gets an answer.
public enum LedgerError: Error, Hashable, Sendable {
    /// The payment has never been used: look it up and call `firstUse`.
    case unknownCredit
    /// The credit holds less than the amount; `remaining` is what was left at that moment.
    case insufficientBalance(remaining: MilliSatoshi)
    /// The credit's lifetime is over; from `settle`: the hold's, and its value went back.
    case expired
    /// The credit is closed: revoked, or its value was carried to another one.
    case closed
    /// A limit that the holder has written into the token is reached.
    case limitReached
    /// Requests on the credit, or on the hold, are under way; try again when they are over.
    case busy
    /// The credit has paid less than what is to be given back.
    case notEarned
    /// The amount is not positive.
    case invalidAmount
    /// The database did not do it. With `retryable` it certainly had no effect; otherwise a hold that was made after all is
    /// given back by the sweeper.
    case storeUnavailable(retryable: Bool)
    /// Too many debits wait already.
    case overloaded
    /// The calling task was cancelled; nothing is charged.
    case cancelled
}
