// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import Foundation
internal import IPAddresses
internal import L402
internal import LND
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import Synchronization

/// Makes challenges: an invoice of the node, checked, and the token that it pays for.
///
/// Writes nothing to the store.
final class ChallengeIssuer: Sendable {
    private let configuration: GateConfiguration
    private let lnd: LNDClient
    private let readiness: NodeReadiness
    private let logger: Logger
    private let limits: Mutex<ChallengeLimits>

    init(configuration: GateConfiguration, lnd: LNDClient, readiness: NodeReadiness, logger: Logger) {
        self.configuration = configuration
        self.lnd = lnd
        self.readiness = readiness
        self.logger = logger
        limits = Mutex(ChallengeLimits(configuration))
    }

    /// Issues a challenge, or says why not.
    func issue(
        _ product: PaidProduct,
        because refusal: Refusal,
        client: IPAddress?,
        keyRing: KeyRing,
        now: Int64
    ) async -> Admission {
        guard let network = readiness.network else { return .refused(Refusal(.lndUnavailable), retryAfterSeconds: 5) }
        let monotonic = MonotonicSeconds.now()
        let lifetime = Double(configuration.invoiceExpirySeconds)
        let wait = limits.withLock { $0.admit(client, invoiceLifetime: lifetime, now: monotonic) }
        if let wait {
            Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "challenge")]).increment()
            return .refused(Refusal(.rateLimited), retryAfterSeconds: wait)
        }
        do {
            let issued = try await make(product, network: network, keyRing: keyRing, now: now)
            Gauge(label: "l402_open_invoices").record(limits.withLock(\.openCount))
            Counter(
                label: "l402_challenges_total",
                dimensions: [("service", product.service), ("reason", refusal.code.rawValue)]
            ).increment()
            return .challenged(issued, because: refusal)
        } catch {
            limits.withLock { $0.closeOne() }
            logger.warning("no invoice for a challenge", metadata: ["lnd.error": "\(error)"])
            return .refused(Refusal(.lndUnavailable), retryAfterSeconds: 5)
        }
    }

    /// Takes note that one of our invoices has been paid.
    func noteSettled() { limits.withLock { $0.closeOne() } }

    /// The node answered with something else than what was asked for.
    private struct WrongInvoice: Error, CustomStringConvertible { let description: String }

    private func make(
        _ product: PaidProduct,
        network: BitcoinNetwork,
        keyRing: KeyRing,
        now: Int64
    ) async throws -> IssuedChallenge {
        let request = InvoiceRequest(
            amount: product.invoiceAmount,
            memo: "\(product.service) \(product.capability)",
            expirySeconds: configuration.invoiceExpirySeconds
        )
        let text = try await lnd.addInvoice(request)
        let invoice = try Bolt11Invoice(parsing: text)
        guard invoice.network == network, invoice.amount == product.invoiceAmount,
            invoice.paymentHash == request.preimage.paymentHash
        else { throw WrongInvoice(description: "the node's invoice has another network, amount or payment hash") }
        let expiresAt = now + Int64(configuration.invoiceExpirySeconds)
        let terms = TokenTerms(
            service: product.service,
            tier: product.tier,
            capabilities: [product.capability],
            validUntil: expiresAt + (product.tokenLifetimeSeconds ?? configuration.tokenLifetimeSeconds),
            method: product.method,
            pathPrefix: product.pathPrefix
        )
        let macaroon = keyRing.mint(paymentHash: invoice.paymentHash, terms: terms)
        return IssuedChallenge(
            challenge: Challenge(macaroon: macaroon, invoice: text),
            paymentHash: invoice.paymentHash,
            price: product.invoiceAmount,
            expiresAt: expiresAt,
            expiresIn: configuration.invoiceExpirySeconds,
            capability: product.capability
        )
    }
}
