// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import L402
internal import Ledger
public import LightningPrimitives
internal import Macaroons

/// A token that an operator gave away, with the proof that goes with it.
public struct MintedToken: Sendable {
    public let paymentHash: PaymentHash
    public let tokenID: TokenID
    /// In standard base64.
    public let macaroon: String
    public let preimage: Preimage
    /// Unix seconds.
    public let expiresAt: Int64
}

extension Gate {
    /// Makes a token with value that nobody has paid for.
    ///
    /// - Throws: what the ledger says; a ``Refusal`` while the clock is known to be wrong.
    public func mint(
        _ amount: MilliSatoshi,
        service: String,
        tier: Int,
        capabilities: [String]?,
        lifetimeSeconds: Int64
    ) async throws -> MintedToken {
        try clock.check()
        let preimage = ring.current.preimage(for: .call)
        let expiresAt = Int64(Date().timeIntervalSince1970) + lifetimeSeconds
        let terms = TokenTerms(service: service, tier: tier, capabilities: capabilities, validUntil: expiresAt)
        let macaroon = ring.current.mint(paymentHash: preimage.paymentHash, terms: terms)
        guard let identifier = L402Identifier(macaroon.identifier) else {
            preconditionFailure("a token of ours has an identifier of ours")
        }
        try await ledger.open(
            SettledPayment(
                paymentHash: preimage.paymentHash,
                tokenID: identifier.tokenID.bytes,
                service: service,
                tier: Int16(tier),
                purpose: "mint",
                paid: amount,
                expiresAt: Date(timeIntervalSince1970: Double(expiresAt))
            )
        )
        return MintedToken(
            paymentHash: preimage.paymentHash,
            tokenID: identifier.tokenID,
            macaroon: Challenge(macaroon: macaroon, invoice: "").token,
            preimage: preimage,
            expiresAt: expiresAt
        )
    }
}
