// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import L402
internal import Ledger
public import LightningPrimitives

extension Gate {
    /// What is left on the token of a request, free of charge.
    ///
    /// - Parameter services: the services, of which the token must be for one.
    /// - Returns: `nil` when the credential header is too long.
    public func account(_ request: GateRequest, services: [String]) async throws(Refusal) -> TokenAccount? {
        guard let credential = try readCredential(request) else { return nil }
        // The first look only finds out whose token it is; the second reads that service's own caveats.
        let names = try ring.current.inspect(credential, service: "", isRevoked: isRevoked).summary.services
        guard let service = services.first(where: { names[$0] != nil }) else { throw Refusal(.wrongService) }
        let (identifier, summary, counts) = try ring.current.inspect(
            credential,
            service: service,
            isRevoked: isRevoked
        )
        let purpose = ring.current.purpose(of: credential.preimage)
        var credit = try await known(identifier.paymentHash)
        if credit == nil, purpose == .deposit {
            let purchase = Purchase(deposit: identifier.paymentHash, tokenID: identifier.tokenID, service: service)
            credit = try await cashier.open(purchase).credit
        }
        var paid = credit?.paid
        if paid == nil { paid = try await settlements.amountPaid(identifier.paymentHash) }
        if credit == nil, purpose == .upgrade, let source = try await upgradeSource(identifier.paymentHash),
            let old = try await known(source)
        {
            paid = (paid ?? .zero) + old.remaining
        }
        let whole = (paid ?? .zero) - (credit?.spent ?? .zero)
        let (remaining, usesLeft) = try await limited(whole, summary, counts)
        return TokenAccount(
            identifier: identifier,
            service: service,
            summary: summary,
            paid: paid ?? .zero,
            remaining: remaining,
            credit: credit,
            usesLeft: usesLeft
        )
    }

    /// Offers a token that replaces the one of the request, with a higher tier or more value; the balance is carried over
    /// when the offer is paid and first used.
    ///
    /// - Parameters:
    ///   - tier: the new token's, not lower than the old one's; `nil` for the same.
    ///   - amount: what the new token adds to the balance.
    public func offerUpgrade(
        _ request: GateRequest,
        service: String,
        tier: Int?,
        amount: MilliSatoshi
    ) async throws(UpgradeProblem) -> Admission {
        do {
            guard let credential = try readCredential(request) else { throw UpgradeProblem.headerTooLarge }
            let (identifier, summary, _) = try ring.current.inspect(
                credential,
                service: service,
                isRevoked: isRevoked
            )
            guard let old = summary.services[service] else { throw Refusal(.wrongService) }
            if let expiresAt = summary.expiresAt, expiresAt <= Int64(Date().timeIntervalSince1970) {
                throw Refusal(.expired)
            }
            let purpose = ring.current.purpose(of: credential.preimage)
            guard purpose != .deposit else { throw UpgradeProblem.isDeposit }
            guard var terms = summary.mintedTerms else { throw UpgradeProblem.narrowed }
            guard (tier ?? old) >= old else { throw Refusal(.tierTooLow) }
            terms.tier = tier ?? old
            // The old credit must exist, or there would be nothing to carry over.
            let token = VerifiedToken(
                identifier: identifier,
                summary: summary,
                service: service,
                purpose: purpose
            )
            _ = try await cashier.open(Purchase(token, service: service))
            return await issueUpgrade(request, of: identifier.paymentHash, terms, amount: amount)
        } catch let refusal as Refusal {
            throw .refused(refusal)
        } catch let problem as UpgradeProblem {
            throw problem
        } catch {
            throw .refused(Refusal(.storeUnavailable))
        }
    }

    private func issueUpgrade(
        _ request: GateRequest,
        of source: PaymentHash,
        _ terms: TokenTerms,
        amount: MilliSatoshi
    ) async -> Admission {
        let order = ChallengeOrder(
            purpose: .upgrade,
            amount: amount,
            memo: "\(terms.service) upgrade",
            terms: terms,
            lifetime: configuration.tokenLifetimeSeconds
        )
        let now = Int64(Date().timeIntervalSince1970)
        let admission = await issuer.issue(
            order,
            because: Refusal(.noCredential),
            request,
            keyRing: ring.current,
            now: now
        )
        guard case .challenged(let issued, _) = admission else { return admission }
        do {
            try await ledger.noteUpgrade(issued.paymentHash, replacing: source)
            return admission
        } catch {
            return .refused(Refusal(.storeUnavailable), retryAfterSeconds: 5)
        }
    }

    // MARK: Reading

    private func readCredential(_ request: GateRequest) throws(Refusal) -> Credential? {
        switch CredentialReader.read(request.header) {
        case .none: throw Refusal(.noCredential)
        case .malformed: throw Refusal(.malformed)
        case .tooLarge: return nil
        case .credential(let credential): return credential
        }
    }

    private func known(_ hash: PaymentHash) async throws(Refusal) -> Credit? {
        do {
            return try await ledger.balance(paymentHash: hash)
        } catch {
            guard error == .unknownCredit else { throw Cashier.refusal(error) }
            return nil
        }
    }

    private func upgradeSource(_ hash: PaymentHash) async throws(Refusal) -> PaymentHash? {
        do {
            return try await ledger.upgradeSource(of: hash)
        } catch {
            throw Cashier.refusal(error)
        }
    }

    /// What the holder's own restrictions leave of a balance.
    private func limited(
        _ balance: MilliSatoshi,
        _ summary: TokenRestrictions,
        _ counts: [[UInt8]]
    ) async throws(Refusal) -> (remaining: MilliSatoshi, usesLeft: Int64?) {
        guard !counts.isEmpty else { return (balance, nil) }
        var remaining = balance
        var usesLeft: Int64?
        do {
            let used = try await ledger.used(counts)
            for (counted, key) in zip(summary.counted, counts) {
                let so = used[key] ?? (uses: 0, spent: .zero)
                if let limit = counted.uses { usesLeft = min(usesLeft ?? .max, max(0, limit - so.uses)) }
                if let limit = counted.sats { remaining = min(remaining, max(.zero, .sat(limit) - so.spent)) }
            }
        } catch {
            throw Cashier.refusal(error)
        }
        return (remaining, usesLeft)
    }
}
