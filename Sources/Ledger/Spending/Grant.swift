// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import LightningPrimitives

/// The permission to run a paid handler.
///
/// Handlers behind the gate take a grant as a parameter. The initialisers of `PaidGrant` and `OperatorGrant` are internal to
/// this module: only the ledger, by debiting, and `OperatorAccess`, by checking a secret, can make one, and a
/// `FreeGrant` exists for a price of zero only. So there is no path around payment that compiles.
public enum Grant: Sendable, Hashable {
    case paid(PaidGrant)
    case `operator`(OperatorGrant)
    case free(FreeGrant)
}

/// A debit that is held until the handler has answered: settle it or release it.
///
/// Left alone, it is released by the sweeper after the ledger's hold lifetime.
public struct PaidGrant: Sendable, Hashable {
    let holdID: HoldID
    /// The 16 bytes that name the hold, for orders that outlive the request.
    public var hold: [UInt8] { holdID.bytes }
    public let paymentHash: PaymentHash
    /// What is held for this call.
    public let amount: MilliSatoshi
    /// The route family that the value is booked under.
    public let route: String
    /// What was paid for the credit in all.
    public let paid: MilliSatoshi
    /// What is left after this debit.
    public let remaining: MilliSatoshi
    /// Whether this debit made the credit.
    public let isFirstUse: Bool

    init(
        holdID: HoldID,
        paymentHash: PaymentHash,
        amount: MilliSatoshi,
        route: String,
        paid: MilliSatoshi,
        remaining: MilliSatoshi,
        isFirstUse: Bool
    ) {
        self.holdID = holdID
        self.paymentHash = paymentHash
        self.amount = amount
        self.route = route
        self.paid = paid
        self.remaining = remaining
        self.isFirstUse = isFirstUse
    }
}

/// The operator's own use, which is not paid for.
public struct OperatorGrant: Sendable, Hashable {
    /// The request that was let through.
    public let requestID: String
    /// The name of the credential that was used.
    public let name: String

    init(requestID: String, name: String) {
        self.requestID = requestID
        self.name = name
    }
}

/// The use of something that costs nothing.
public struct FreeGrant: Sendable, Hashable {
    /// Returns `nil` unless the price is zero.
    public init?(price: MilliSatoshi) {
        guard price == .zero else { return nil }
    }
}
