// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
public import L402
public import LND
public import Ledger
internal import LightningPrimitives
public import Logging
internal import Metrics
internal import PaymentAuthentication
internal import RequestLimits
internal import Synchronization

/// Decides whether a request to a paid route is served, and makes sure that it is paid for exactly once.
///
/// The order is fixed: operator token, credential, verification, debit (or settlement check and first use). The debit is
/// one statement of the ledger, so two racing uses of a one-use token get one grant.
public final class Gate: Sendable {
    let configuration: GateConfiguration
    let ring: RingBox
    let ledger: Ledger
    let issuer: ChallengeIssuer
    let cashier: Cashier
    let clock: ClockGuard
    let logger: Logger
    private let verifySeconds = Timer(label: "l402_verify_seconds")
    private let verified = Gate.verifications("ok")
    private let operators: OperatorAccess
    private let revocations: Revocations
    private let requests: Mutex<TokenBuckets<PaymentHash>>
    let misses: Mutex<TokenBuckets<PaymentHash>>
    /// Follows paid invoices; a service to run.
    public let settlements: Settlements

    /// Makes a gate.
    /// - Parameters:
    ///   - revocations: a service of its own; nobody is admitted with a token before it has read its table.
    ///   - operators: who may use paid routes without paying.
    ///   - clock: whether anything that expires may be made.
    public init(
        configuration: GateConfiguration,
        keyRing: KeyRing,
        lnd: LNDClient,
        readiness: NodeReadiness,
        ledger: Ledger,
        settledInvoices: SettledInvoices,
        revocations: Revocations,
        operators: OperatorAccess,
        clock: ClockGuard = .off,
        logger: Logger
    ) {
        self.clock = clock
        self.configuration = configuration
        self.ledger = ledger
        self.operators = operators
        self.revocations = revocations
        self.logger = logger
        let ring = RingBox(keyRing)
        self.ring = ring
        let issuer = ChallengeIssuer(
            configuration: configuration,
            lnd: lnd,
            readiness: readiness,
            clock: clock,
            logger: logger
        )
        self.issuer = issuer
        settlements = Settlements(
            lnd: lnd,
            store: settledInvoices,
            readiness: readiness,
            patience: configuration.settlementPatience,
            logger: logger,
            isOurs: { ring.current.purpose(of: $0) != nil },
            onSettled: { issuer.noteSettled($0) }
        )
        cashier = Cashier(ledger: ledger, settlements: settlements, schedule: configuration.deposits)
        requests = Mutex(TokenBuckets(rate: configuration.requestsPerSecond, burst: configuration.requestBurst))
        misses = Mutex(
            TokenBuckets(rate: configuration.freeMissesPerHour / 3600, burst: configuration.freeMissesPerHour)
        )
    }

    /// Takes another key ring; tokens of epochs it still verifies stay good.
    public func use(_ ring: KeyRing) { self.ring.replace(with: ring) }

    /// Decides about a request that has already been found valid.
    public func admit(_ request: GateRequest, to product: PaidProduct) async -> Admission {
        await admit(request, to: product) {}
    }

    /// Decides about a request that has already been found valid.
    ///
    /// - Parameter beforeRefusal: called once when nothing pays for the request, before an invoice exists; what it throws
    ///   ends the matter.
    public func admit<Failure>(
        _ request: GateRequest,
        to product: PaidProduct,
        beforeRefusal: () throws(Failure) -> Void
    ) async throws(Failure) -> Admission {
        if let free = FreeGrant(price: product.price) { return .granted(.free(free), .unpaid) }
        if let token = request.header("x-operator-token").first,
            let grant = operators.bypass(token: token, requestID: request.id, logger: logger)
        {
            return .granted(.operator(grant), .unpaid)
        }
        let now = Int64(Date().timeIntervalSince1970)
        let refusal: Refusal
        switch await paidAdmission(request, product, now: now) {
        case .success(let admission):
            if !admission.isServed { try beforeRefusal() }
            return admission
        case .failure(let error):
            try beforeRefusal()
            refusal = error
        }
        Counter(label: "l402_refused_total", dimensions: [("code", refusal.code.rawValue)]).increment()
        guard refusal.remedy == .pay else {
            return .refused(refusal, retryAfterSeconds: refusal.code == .notSettled ? 1 : 5)
        }
        return await challenge(for: product, request, because: refusal, now: now)
    }

    private func challenge(
        for product: PaidProduct,
        _ request: GateRequest,
        because refusal: Refusal,
        now: Int64
    ) async -> Admission {
        var order = ChallengeOrder(product, lifetime: configuration.tokenLifetimeSeconds)
        order.offersL402 = product.schemes.contains(.l402)
        if configuration.offersPayment, product.schemes.contains(.payment), product.requestsPerInvoice == 1 {
            order.binding = PaymentDoor.binding(product, request)
        }
        return await issuer.issue(order, because: refusal, request, keyRing: ring.current, now: now)
    }

    private func paidAdmission(_ request: GateRequest, _ product: PaidProduct, now: Int64) async
        -> Result<Admission, Refusal>
    {
        do throws(Refusal) {
            return .success(try await admitPaid(request, product, now: now))
        } catch {
            return .failure(error)
        }
    }

    private func admitPaid(_ request: GateRequest, _ product: PaidProduct, now: Int64) async throws(Refusal)
        -> Admission
    {
        guard let purchase = try findPurchase(request, product, now: now) else { return .headerTooLarge }
        let answer = requests.withLock { $0.take(purchase.paymentHash, now: MonotonicSeconds.now()) }
        guard answer.isAllowed else {
            Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "credential")]).increment()
            return .refused(Refusal(.rateLimited), retryAfterSeconds: answer.retryAfterSeconds)
        }
        var work: IdempotentWork?
        switch try await reserve(request, purchase) {
        case nil: break
        case .reserved(let reserved)?: work = reserved
        case .answered(let stored)?:
            Counter(label: "l402_replayed_total").increment()
            return .replayed(stored)
        case .underWay?: return .keyInUse(isUnderWay: true)
        case .conflict?: return .keyInUse(isUnderWay: false)
        }
        do throws(Refusal) {
            let grant = try await cashier.debit(
                purchase,
                price: product.price,
                route: product.route,
                allowsDepositRate: product.allowsDepositRate
            )
            let terms = GrantTerms(
                price: grant.amount,
                balance: grant.remaining,
                paid: grant.paid,
                expiresAt: purchase.expiresAt,
                token: purchase.facts,
                work: work
            )
            return .granted(.paid(grant), terms)
        } catch {
            if let work { await ledger.abandon(work) }
            throw error
        }
    }

    private func reserve(_ request: GateRequest, _ purchase: Purchase) async throws(Refusal) -> Reservation? {
        guard let key = request.idempotencyKey,
            let wish = IdempotentRequest(
                paymentHash: purchase.paymentHash,
                holder: purchase.holder,
                key: key,
                fingerprint: request.fingerprint
            )
        else { return nil }
        do {
            return try await ledger.reserve(wish)
        } catch {
            throw Cashier.refusal(error)
        }
    }

    // MARK: Credentials

    /// The credential of a request, verified; `nil` when a header is too long to be looked at.
    private func findPurchase(_ request: GateRequest, _ product: PaidProduct, now: Int64) throws(Refusal) -> Purchase? {
        if product.schemes.contains(.l402) {
            if configuration.acceptsBareDeposits, let credential = bareDeposit(request) {
                let token = try verify(credential, request, product, now: now)
                return Purchase(token, service: product.service, scheme: .bareDeposit, of: credential)
            }
            switch CredentialReader.read(request.header) {
            case .none: break
            case .malformed: throw Refusal(.malformed)
            case .tooLarge: return nil
            case .credential(let credential):
                let token = try verify(credential, request, product, now: now)
                return Purchase(token, service: product.service, of: credential)
            }
        }
        if configuration.offersPayment, product.schemes.contains(.payment) {
            switch PaymentCredentialReader.read(request.header("authorization")) {
            case .none: break
            case .malformed: throw Refusal(.malformed)
            case .tooLarge: return nil
            case .credential(let credential): return try verify(charge: credential, request, product, now: now)
            }
        }
        throw Refusal(.noCredential)
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
        return try measured { () throws(Refusal) in
            try ring.current.verify(credential, for: scope, isRevoked: isRevoked)
        }
    }

    private func verify(
        charge credential: PaymentCredential,
        _ request: GateRequest,
        _ product: PaidProduct,
        now: Int64
    ) throws(Refusal) -> Purchase {
        let payment = try measured { () throws(Refusal) in
            try PaymentDoor.verify(
                credential,
                PaymentDoor.binding(product, request),
                ring: ring.current,
                now: now
            )
        }
        let tokenID = PaymentDoor.tokenID(payment)
        guard !revocations.contains(tokenID: tokenID, paymentHash: payment.paymentHash) else {
            throw Refusal(.revoked)
        }
        return Purchase(
            charge: payment.paymentHash,
            tokenID: tokenID,
            id: payment.challengeID,
            expires: payment.expires,
            product
        )
    }

    /// What `L402 deposit:PREIMAGE`, the credential of older clients, stands for: the deposit's own token, so that it is
    /// good for nothing that the token is not good for.
    private func bareDeposit(_ request: GateRequest) -> Credential? {
        let ring = ring.current
        guard let preimage = CredentialReader.bareDeposit(request.header("authorization")),
            ring.purpose(of: preimage) == .deposit
        else { return nil }
        let terms = Self.depositTerms(configuration.depositService)
        return Credential(
            macaroon: ring.mintDeposit(paymentHash: preimage.paymentHash, terms: terms),
            preimage: preimage
        )
    }

    func isRevoked(_ identifier: L402Identifier) -> Bool {
        revocations.contains(tokenID: identifier.tokenID.bytes, paymentHash: identifier.paymentHash)
    }

    /// Verifies something and counts how it went.
    private func measured<Value>(_ verify: () throws(Refusal) -> Value) throws(Refusal) -> Value {
        // Before the table is read nobody knows which tokens are revoked.
        guard revocations.isLoaded else { throw Refusal(.storeUnavailable) }
        let begin = ContinuousClock.now
        defer { verifySeconds.record(duration: ContinuousClock.now - begin) }
        do throws(Refusal) {
            let value = try verify()
            for counter in verified { counter.increment() }
            return value
        } catch {
            for counter in Self.verifications(error.code.rawValue) { counter.increment() }
            throw error
        }
    }

    /// The same count under the gate's name and under the one that SatRank's dashboards know.
    private static func verifications(_ result: String) -> [Counter] {
        ["l402_verified_total", "macaroon_verify_total"].map { Counter(label: $0, dimensions: [("result", result)]) }
    }
}
