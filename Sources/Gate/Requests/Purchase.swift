// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import L402
internal import Ledger
internal import LightningPrimitives
internal import Macaroons

/// A payment whose credential holds for a request; what is left is to debit it.
struct Purchase: Sendable {
    let paymentHash: PaymentHash
    /// 32 bytes that name the credential.
    let tokenID: [UInt8]
    let service: String
    let tier: Int
    let purpose: InvoicePurpose
    let limits: [SpendingLimit]
    /// When the credit ends, in Unix seconds; `nil` for never.
    let creditEnds: Int64?
    /// When the credential ends, in Unix seconds; `nil` for never.
    let expiresAt: Int64?
    let facts: TokenFacts
    /// Names this very credential, where the payment has several: keys of its requests are its own.
    let holder: [UInt8]

    /// A purchase with a token.
    /// - Parameter credential: what was presented; `nil` where no request is served.
    init(
        _ token: VerifiedToken,
        service: String,
        scheme: TokenFacts.Scheme = .l402,
        of credential: Credential? = nil
    ) {
        let identifier = token.identifier
        paymentHash = identifier.paymentHash
        tokenID = identifier.tokenID.bytes
        self.service = service
        tier = token.tier
        purpose = token.purpose ?? .call
        limits = token.counts.map { count in
            SpendingLimit(key: count.key, uses: count.uses, amount: count.sats.map { MilliSatoshi.sat($0) })
        }
        creditEnds = purpose == .deposit ? nil : token.limits.mintedExpiry
        expiresAt = token.limits.expiresAt
        facts = TokenFacts(scheme: scheme, name: identifier.tokenID.hex, paymentHash: paymentHash, tier: token.tier)
        // Every caveat changes the signature.
        holder = credential.map { Array(SHA256.hash(data: $0.macaroon.signature)) } ?? []
    }

    /// A purchase with a charge of the Payment scheme.
    init(charge paymentHash: PaymentHash, tokenID: [UInt8], id: String, expires: Int64, _ product: PaidProduct) {
        self.paymentHash = paymentHash
        self.tokenID = tokenID
        service = product.service
        tier = product.tier
        purpose = .call
        limits = [PaymentDoor.limit(paymentHash)]
        // The spent hash is kept at least an hour longer than the challenge can be answered: rows are never deleted.
        creditEnds = nil
        expiresAt = expires
        facts = TokenFacts(scheme: .payment, name: id, paymentHash: paymentHash, tier: product.tier)
        holder = tokenID
    }

    /// The redemption of a deposit.
    init(deposit paymentHash: PaymentHash, tokenID: TokenID, service: String) {
        self.paymentHash = paymentHash
        self.tokenID = tokenID.bytes
        self.service = service
        tier = 0
        purpose = .deposit
        limits = []
        creditEnds = nil
        expiresAt = nil
        facts = TokenFacts(scheme: .l402, name: tokenID.hex, paymentHash: paymentHash, tier: 0)
        holder = []
    }
}
