// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import IPAddresses
public import L402
public import LND
public import Ledger
internal import LightningPrimitives
public import Logging
internal import Metrics
internal import Synchronization

/// Decides whether a request to a paid route is served, and makes sure that it is paid for exactly once.
///
/// The order is fixed: operator token, credential, verification, debit (or settlement check and first use). The debit is
/// one statement of the ledger, so two racing uses of a one-use token get one grant.
public final class Gate: Sendable {
    private let configuration: GateConfiguration
    private let keyRing: Mutex<KeyRing>
    private let ledger: Ledger
    private let bypass: OperatorBypass
    private let issuer: ChallengeIssuer
    private let requests: Mutex<TokenBuckets<TokenID>>
    private let logger: Logger
    /// Follows paid invoices; a service to run.
    public let settlements: Settlements

    public init(
        configuration: GateConfiguration,
        keyRing: KeyRing,
        lnd: LNDClient,
        readiness: NodeReadiness,
        ledger: Ledger,
        bypass: OperatorBypass,
        logger: Logger
    ) {
        self.configuration = configuration
        self.keyRing = Mutex(keyRing)
        self.ledger = ledger
        self.bypass = bypass
        self.logger = logger
        let issuer = ChallengeIssuer(configuration: configuration, lnd: lnd, readiness: readiness, logger: logger)
        self.issuer = issuer
        settlements = Settlements(lnd: lnd, patience: configuration.settlementPatience, logger: logger) {
            issuer.noteSettled()
        }
        requests = Mutex(TokenBuckets(rate: configuration.requestsPerSecond, burst: configuration.requestBurst))
    }

    /// Takes another key ring; tokens of epochs it still verifies stay good.
    public func use(_ ring: KeyRing) { keyRing.withLock { $0 = ring } }

    /// Decides about a request that has already been found valid.
    public func admit(_ request: GateRequest, to product: PaidProduct) async -> Admission {
        if let free = FreeGrant(price: product.price) {
            return .granted(.free(free), GrantTerms(price: .zero, balance: nil, expiresAt: nil))
        }
        if let token = request.header("x-operator-token").first,
            let grant = bypass.admit(token: token, requestID: request.id, logger: logger)
        {
            return .granted(.operator(grant), GrantTerms(price: .zero, balance: nil, expiresAt: nil))
        }
        let now = Int64(Date().timeIntervalSince1970)
        do {
            return try await admitPaid(request, product, now: now)
        } catch {
            Counter(label: "l402_refused_total", dimensions: [("code", error.code.rawValue)]).increment()
            guard error.remedy == .pay else {
                return .refused(error, retryAfterSeconds: error.code == .notSettled ? 1 : 5)
            }
            let ring = keyRing.withLock { $0 }
            return await issuer.issue(product, because: error, client: request.clientAddress, keyRing: ring, now: now)
        }
    }

    /// Books a served request.
    /// - Returns: false when the hold was released meanwhile, so the answer must not be given.
    public func settle(_ grant: Grant) async -> Bool {
        guard case .paid(let paid) = grant else { return true }
        do {
            try await ledger.settle(paid)
            return true
        } catch {
            logger.error("a served request could not be settled", metadata: ["ledger.error": "\(error)"])
            return false
        }
    }

    /// Gives back what was held for a request that was not served.
    public func release(_ grant: Grant) async {
        guard case .paid(let paid) = grant else { return }
        do {
            _ = try await ledger.release(paid)
        } catch {
            // The sweeper releases the hold when its deadline has passed.
            logger.warning("a hold will be released by the sweeper", metadata: ["ledger.error": "\(error)"])
        }
    }

    private func admitPaid(_ request: GateRequest, _ product: PaidProduct, now: Int64) async throws(Refusal)
        -> Admission
    {
        let credential: Credential
        switch CredentialReader.read(request.header) {
        case .none: throw Refusal(.noCredential)
        case .malformed: throw Refusal(.malformed)
        case .tooLarge: return .headerTooLarge
        case .credential(let found): credential = found
        }
        let token = try verify(credential, request, product, now: now)
        let answer = requests.withLock { $0.take(token.identifier.tokenID, now: MonotonicSeconds.now()) }
        guard answer.isAllowed else {
            Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "credential")]).increment()
            return .refused(Refusal(.rateLimited), retryAfterSeconds: answer.retryAfterSeconds)
        }
        let grant = try await debit(token, product)
        let terms = GrantTerms(price: product.price, balance: grant.remaining, expiresAt: token.limits.expiresAt)
        return .granted(.paid(grant), terms)
    }

    private func verify(
        _ credential: Credential,
        _ request: GateRequest,
        _ product: PaidProduct,
        now: Int64
    ) throws(Refusal) -> VerifiedToken {
        let scope = RequestScope(
            service: product.service,
            tier: product.tier,
            capability: product.capability,
            method: request.method,
            path: request.path,
            clientAddress: request.clientAddress,
            now: now
        )
        let begin = ContinuousClock.now
        defer { Timer(label: "l402_verify_seconds").record(duration: ContinuousClock.now - begin) }
        let ring = keyRing.withLock { $0 }
        do throws(Refusal) {
            let token = try ring.verify(credential, for: scope)
            // Uses of one exact signature are not counted yet; a limit that cannot be kept is not accepted.
            guard token.limits.uses == nil, token.limits.sats == nil else { throw Refusal(.badCaveat) }
            Counter(label: "l402_verified_total", dimensions: [("result", "ok")]).increment()
            return token
        } catch {
            Counter(label: "l402_verified_total", dimensions: [("result", error.code.rawValue)]).increment()
            throw error
        }
    }

    private func debit(_ token: VerifiedToken, _ product: PaidProduct) async throws(Refusal) -> PaidGrant {
        let hash = token.identifier.paymentHash
        do {
            return try await ledger.debit(paymentHash: hash, amount: product.price, route: product.route)
        } catch {
            guard error == .unknownCredit else { throw refusal(error) }
        }
        let payment = SettledPayment(
            paymentHash: hash,
            tokenID: token.identifier.tokenID.bytes,
            service: product.service,
            tier: Int16(product.tier),
            purpose: "call",
            paid: try await settlements.amountPaid(hash),
            expiresAt: token.limits.expiresAt.map { Date(timeIntervalSince1970: Double($0)) }
        )
        do {
            return try await ledger.firstUse(payment: payment, amount: product.price, route: product.route)
        } catch {
            throw refusal(error)
        }
    }

    private func refusal(_ error: LedgerError) -> Refusal {
        switch error {
        case .insufficientBalance: Refusal(.exhausted)
        case .expired: Refusal(.expired)
        default: Refusal(.storeUnavailable)
        }
    }
}
