// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import L402
internal import Ledger
internal import LightningPrimitives

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

    /// A purchase with a token.
    init(_ token: VerifiedToken, service: String) {
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
        facts = TokenFacts(scheme: .l402, name: identifier.tokenID.hex, paymentHash: paymentHash, tier: token.tier)
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
    }

    /// A purchase with the preimage of a deposit.
    init(
        deposit paymentHash: PaymentHash,
        tokenID: [UInt8] = [UInt8](repeating: 0, count: 32),
        service: String
    ) {
        self.paymentHash = paymentHash
        self.tokenID = tokenID
        self.service = service
        tier = 0
        purpose = .deposit
        limits = []
        creditEnds = nil
        expiresAt = nil
        facts = TokenFacts(scheme: .bareDeposit, name: paymentHash.hex, paymentHash: paymentHash, tier: 0)
    }
}
