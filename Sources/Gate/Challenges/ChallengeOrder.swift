// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import L402
internal import LightningPrimitives
internal import PaymentAuthentication

/// What a challenge is to be for.
struct ChallengeOrder: Sendable {
    let purpose: InvoicePurpose
    /// What the invoice asks for.
    let amount: MilliSatoshi
    /// What the node's operator sees of the invoice; no text of a user.
    let memo: String
    /// The token's terms, without its expiry.
    let terms: TokenTerms
    /// Seconds the token lives after its invoice's expiry; `nil` for ever.
    let tokenLifetimeSeconds: Int64?
    /// What a Payment charge is bound to; `nil` where that scheme is not offered.
    var binding: PaymentBinding?
    /// Whether L402 is offered.
    var offersL402 = true
    /// Tells challenges apart that the same request can lead to.
    var repetitionScope: String { "\(purpose.rawValue) \(terms.service):\(terms.tier) \(amount.msat)" }

    /// The challenge of a product.
    init(_ product: PaidProduct, lifetime: Int64) {
        purpose = .call
        amount = product.invoiceAmount
        memo = "\(product.service) \(product.capability)"
        terms = TokenTerms(
            service: product.service,
            tier: product.tier,
            capabilities: [product.capability],
            validUntil: nil,
            method: product.method,
            pathPrefix: product.pathPrefix
        )
        tokenLifetimeSeconds = product.tokenLifetimeSeconds ?? lifetime
    }

    init(purpose: InvoicePurpose, amount: MilliSatoshi, memo: String, terms: TokenTerms, lifetime: Int64?) {
        self.purpose = purpose
        self.amount = amount
        self.memo = memo
        self.terms = terms
        tokenLifetimeSeconds = lifetime
    }
}
