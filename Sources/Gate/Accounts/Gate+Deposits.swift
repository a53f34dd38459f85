// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import L402
public import Ledger
public import LightningPrimitives
internal import Macaroons

/// A deposit that has arrived.
public struct RedeemedDeposit: Sendable {
    public let credit: Credit
    /// The tier that the deposit's size gives, and with it its rate.
    public let tier: DepositTier
    /// The token to pay with; together with the preimage it is the credential.
    public let token: String
    public let preimage: Preimage
    /// Whether this call redeemed it.
    public let isNew: Bool
}

extension Gate {
    /// What deposits pay.
    public var depositSchedule: DepositSchedule { configuration.deposits }

    /// Offers a balance that can be spent on every route of a service.
    public func offerDeposit(_ request: GateRequest, service: String, amount: MilliSatoshi) async -> Admission {
        let order = ChallengeOrder(
            purpose: .deposit,
            amount: amount,
            memo: "\(service) deposit",
            terms: Self.depositTerms(service),
            lifetime: nil
        )
        let now = Int64(Date().timeIntervalSince1970)
        return await issuer.issue(order, because: Refusal(.noCredential), request, keyRing: ring.current, now: now)
    }

    /// Redeems a deposit by its preimage; harmless when repeated.
    ///
    /// - Returns: `nil` when the preimage is not of a deposit that was made here.
    /// - Throws: `not_settled` while the invoice is open; `expired` when it was cancelled.
    public func redeemDeposit(_ preimage: Preimage, service: String) async throws(Refusal) -> RedeemedDeposit? {
        let ring = ring.current
        guard ring.purpose(of: preimage) == .deposit else { return nil }
        let hash = preimage.paymentHash
        let macaroon = ring.mintDeposit(paymentHash: hash, terms: Self.depositTerms(service))
        guard let identifier = L402Identifier(macaroon.identifier) else { return nil }
        guard !isRevoked(identifier) else { throw Refusal(.revoked) }
        let (credit, isNew) = try await cashier.open(
            Purchase(deposit: hash, tokenID: identifier.tokenID, service: service)
        )
        return RedeemedDeposit(
            credit: credit,
            tier: configuration.deposits.tier(for: credit.paid),
            token: Challenge(macaroon: macaroon, invoice: "").token,
            preimage: preimage,
            isNew: isNew
        )
    }

    /// Redeems the deposit whose token a request presents; `nil` when it presents none.
    ///
    /// So a client that pays every challenge it is given, and repeats its request, has made its deposit.
    public func redeemDeposit(of request: GateRequest, service: String) async throws(Refusal) -> RedeemedDeposit? {
        guard case .credential(let credential) = CredentialReader.read(request.header) else { return nil }
        let (identifier, summary, _) = try ring.current.inspect(credential, service: service, isRevoked: isRevoked)
        guard summary.services[service] != nil, credential.preimage.paymentHash == identifier.paymentHash else {
            return nil
        }
        return try await redeemDeposit(credential.preimage, service: service)
    }

    static func depositTerms(_ service: String) -> TokenTerms {
        TokenTerms(service: service, capabilities: nil, validUntil: nil)
    }
}
