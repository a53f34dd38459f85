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
internal import OrderedCollections
internal import PaymentAuthentication
internal import RequestLimits
internal import Synchronization

/// Makes challenges: an invoice of the node, checked, and the token that it pays for.
///
/// Writes nothing to the store.
final class ChallengeIssuer: Sendable {
    private struct State {
        var limits: ChallengeLimits
        var puzzles: ProofOfWork
        /// What a repeated `Idempotency-Key` gets again.
        var repeatable: OrderedDictionary<[UInt8], IssuedChallenge> = [:]
    }

    private let configuration: GateConfiguration
    private let lnd: LNDClient
    private let readiness: NodeReadiness
    private let clock: ClockGuard
    private let logger: Logger
    private let state: Mutex<State>

    init(
        configuration: GateConfiguration,
        lnd: LNDClient,
        readiness: NodeReadiness,
        clock: ClockGuard,
        logger: Logger
    ) {
        self.clock = clock
        self.configuration = configuration
        self.lnd = lnd
        self.readiness = readiness
        self.logger = logger
        state = Mutex(
            State(limits: ChallengeLimits(configuration), puzzles: ProofOfWork(bits: configuration.proofOfWorkBits))
        )
    }

    /// Issues a challenge, or says why not.
    func issue(
        _ order: ChallengeOrder,
        because refusal: Refusal,
        _ request: GateRequest,
        keyRing: KeyRing,
        now: Int64
    ) async -> Admission {
        do throws(Refusal) { try clock.check() } catch {
            return .refused(error, retryAfterSeconds: ClockGuard.retryAfterSeconds)
        }
        if let known = repeated(order, request, now: now) { return .challenged(known, because: refusal) }
        guard let network = readiness.network else { return .refused(Refusal(.lndUnavailable), retryAfterSeconds: 5) }
        if let wait = admit(order, request, keyRing, now: now) { return wait }
        do {
            let issued = try await make(order, request, network: network, keyRing: keyRing, now: now)
            let openCount = state.withLock { state in
                state.limits.opened(
                    issued.paymentHash,
                    expiry: MonotonicSeconds.now() + Double(configuration.invoiceExpirySeconds)
                )
                return state.limits.openCount
            }
            remember(issued, order, request)
            Gauge(label: "l402_open_invoices").record(openCount)
            Counter(
                label: "l402_challenges_total",
                dimensions: [("service", order.terms.service), ("reason", refusal.code.rawValue)]
            ).increment()
            return .challenged(issued, because: refusal)
        } catch {
            state.withLock { $0.limits.failed() }
            logger.warning("no invoice for a challenge", metadata: ["lnd.error": "\(error)"])
            return .refused(Refusal(.lndUnavailable), retryAfterSeconds: 5)
        }
    }

    /// Takes note that one of our invoices has been paid.
    func noteSettled(_ hash: PaymentHash) { state.withLock { $0.limits.closed(hash) } }

    /// Cancels the invoices whose time is over, so that the node need not keep them open.
    func cancelExpired() async {
        let (expired, openCount) = state.withLock { state in
            (state.limits.takeExpired(now: MonotonicSeconds.now()), state.limits.openCount)
        }
        Gauge(label: "l402_open_invoices").record(openCount)
        for hash in expired where !Task.isCancelled {
            do {
                try await lnd.cancelInvoice(hash)
            } catch {
                // The node has cancelled it itself, or it was paid in the last moment.
                logger.debug("an expired invoice was not cancelled", metadata: ["l402.payment": "\(hash.shortHex)"])
            }
        }
    }

    // MARK: Limits

    private func admit(_ order: ChallengeOrder, _ request: GateRequest, _ ring: KeyRing, now: Int64) -> Admission? {
        let client = request.clientAddress
        let solution = request.header("l402-pow").first
        let answer = state.withLock { state in
            let isSolved = solution.map { state.puzzles.accepts($0, from: client, ring: ring, now: now) } ?? false
            return state.limits.admit(
                client,
                service: order.terms.service,
                hasSolvedPuzzle: isSolved,
                now: MonotonicSeconds.now()
            )
        }
        guard case .wait(let seconds, let isClientsOwn) = answer else { return nil }
        Counter(label: "rate_limit_hits_total", dimensions: [("limiter", "challenge")]).increment()
        let puzzle = isClientsOwn ? state.withLock { $0.puzzles.puzzle(for: client, ring: ring, now: now) } : nil
        return .throttled(retryAfterSeconds: seconds, puzzle: puzzle)
    }

    // MARK: Repetitions

    private func repetitionKey(_ order: ChallengeOrder, _ request: GateRequest) -> [UInt8]? {
        request.idempotencyKey.map { key in
            request.fingerprint + Array("\(key)|\(order.repetitionScope)|".utf8)
                + Array("\(request.clientAddress.map { "\($0)" } ?? "")".utf8)
        }
    }

    private func repeated(_ order: ChallengeOrder, _ request: GateRequest, now: Int64) -> IssuedChallenge? {
        guard let key = repetitionKey(order, request) else { return nil }
        return state.withLock { state in
            guard let known = state.repeatable[key], known.expiresAt - 30 > now else { return nil }
            return known
        }
    }

    private func remember(_ issued: IssuedChallenge, _ order: ChallengeOrder, _ request: GateRequest) {
        guard let key = repetitionKey(order, request) else { return }
        state.withLock { state in
            if state.repeatable.count >= 4096 { state.repeatable.removeFirst(1024) }
            state.repeatable[key] = issued
        }
    }

    // MARK: Making

    /// The node answered with something else than what was asked for.
    private struct WrongInvoice: Error, CustomStringConvertible { let description: String }

    private func make(
        _ order: ChallengeOrder,
        _ gateRequest: GateRequest,
        network: BitcoinNetwork,
        keyRing: KeyRing,
        now: Int64
    ) async throws -> IssuedChallenge {
        let request = InvoiceRequest(
            amount: order.amount,
            memo: order.memo,
            expirySeconds: configuration.invoiceExpirySeconds,
            preimage: keyRing.preimage(for: order.purpose)
        )
        let text = try await lnd.addInvoice(request)
        let invoice = try Bolt11Invoice(parsing: text)
        guard invoice.network == network, invoice.amount == order.amount,
            invoice.paymentHash == request.preimage.paymentHash
        else { throw WrongInvoice(description: "the node's invoice has another network, amount or payment hash") }
        let expiresAt = now + Int64(configuration.invoiceExpirySeconds)
        var terms = order.terms
        terms.validUntil = order.tokenLifetimeSeconds.map { expiresAt + $0 }
        let hash = invoice.paymentHash
        let macaroon =
            order.purpose == .deposit
            ? keyRing.mintDeposit(paymentHash: hash, terms: terms) : keyRing.mint(paymentHash: hash, terms: terms)
        var issued = IssuedChallenge(
            challenge: Challenge(macaroon: macaroon, invoice: text),
            paymentHash: hash,
            price: order.amount,
            expiresAt: expiresAt,
            expiresIn: configuration.invoiceExpirySeconds,
            capability: order.terms.capabilities?.first ?? ""
        )
        issued.payment = charge(order, invoice: text, hash: hash, network: network, keyRing: keyRing, now: now)
        // A route for the Payment scheme alone whose price that scheme cannot name is better sold than not.
        issued.offersL402 = order.offersL402 || issued.payment == nil
        return issued
    }

    /// The same invoice as a charge of the Payment scheme, which knows whole satoshi only.
    private func charge(
        _ order: ChallengeOrder,
        invoice: String,
        hash: PaymentHash,
        network: BitcoinNetwork,
        keyRing: KeyRing,
        now: Int64
    ) -> PaymentChallenge? {
        guard let binding = order.binding, order.amount.msat % 1000 == 0 else { return nil }
        return PaymentDoor.secret(keyRing).challenge(
            realm: configuration.realm,
            request: ChargeRequest(
                sats: order.amount.satFloor,
                invoice: invoice,
                network: network,
                paymentHash: hash
            ),
            binding: binding,
            now: now,
            lifetime: Int64(configuration.invoiceExpirySeconds) + 300
        )
    }
}
