// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import L402
public import Ledger
public import LightningPrimitives

/// What the gate decided about a request.
public enum Admission: Sendable {
    /// The request may be served; a grant must be settled or released afterwards.
    case granted(Grant, GrantTerms)
    /// The same request was served before: answer the same, and charge nothing.
    case replayed(StoredAnswer)
    /// 402: pay this.
    case challenged(IssuedChallenge, because: Refusal)
    /// 401, 429 or 503 by the refusal's remedy.
    case refused(Refusal, retryAfterSeconds: Int)
    /// 429 for a challenge; with a puzzle, a client that solves it need not wait.
    case throttled(retryAfterSeconds: Int, puzzle: String?)
    /// 409: the `Idempotency-Key` belongs to another request, or its request is under way.
    case keyInUse(isUnderWay: Bool)
    /// 431: the credential header is too long.
    case headerTooLarge

    /// Whether somebody pays for the request, or has paid for it before.
    var isServed: Bool {
        switch self {
        case .granted, .replayed: true
        case .challenged, .refused, .throttled, .keyInUse, .headerTooLarge: false
        }
    }
}

/// What the caller of a granted request is told about the token.
public struct GrantTerms: Sendable, Hashable {
    /// What was charged; zero for free and operator requests.
    public let price: MilliSatoshi
    /// What is left on the token; `nil` without a token.
    public let balance: MilliSatoshi?
    /// What was paid for the token in all; `nil` without a token.
    public let paid: MilliSatoshi?
    /// When the token expires, in Unix seconds; `nil` without a token or expiry.
    public let expiresAt: Int64?
    /// The token that pays; `nil` without one.
    public let token: TokenFacts?
    /// The work on a request with an `Idempotency-Key`.
    let work: IdempotentWork?

    init(
        price: MilliSatoshi,
        balance: MilliSatoshi? = nil,
        paid: MilliSatoshi? = nil,
        expiresAt: Int64? = nil,
        token: TokenFacts? = nil,
        work: IdempotentWork? = nil
    ) {
        self.price = price
        self.balance = balance
        self.paid = paid
        self.expiresAt = expiresAt
        self.token = token
        self.work = work
    }

    /// The terms of what is not paid for.
    public static let unpaid = GrantTerms(price: .zero)

    /// The terms of work that has turned out to cost less than was held.
    public func metered(_ charge: MilliSatoshi) -> GrantTerms {
        guard charge >= .zero, charge < price else { return self }
        return GrantTerms(
            price: charge,
            balance: balance.map { $0 + price - charge },
            paid: paid,
            expiresAt: expiresAt,
            token: token,
            work: work
        )
    }

    /// Whether the answer is kept for a repetition of the request.
    public var keepsAnswer: Bool { work != nil }
}

/// What may be told about a token: nothing secret.
public struct TokenFacts: Sendable, Hashable {
    /// The scheme of the credential.
    public enum Scheme: Sendable, Hashable {
        case l402
        case payment
        /// The preimage of a deposit, alone.
        case bareDeposit
    }

    public let scheme: Scheme
    /// Names the credential: the token id in hexadecimal, or the id of a Payment challenge.
    public let name: String
    public let paymentHash: PaymentHash
    /// The token's tier of the service, 0 to 255.
    public let tier: Int
}
