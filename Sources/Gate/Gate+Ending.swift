// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Ledger
internal import LightningPrimitives
internal import Logging
internal import RequestLimits
internal import Synchronization

extension Gate {
    /// Books a served request, and keeps its answer if the request carries an `Idempotency-Key`.
    ///
    /// - Parameter terms: the grant's; what is charged is its price, which may be lower by now, see
    ///   ``GrantTerms/metered(_:)``.
    /// - Returns: false when the hold was released meanwhile, so the answer must not be given.
    public func settle(
        _ grant: Grant,
        _ terms: GrantTerms? = nil,
        answer: @autoclosure () -> StoredAnswer? = nil
    ) async -> Bool {
        guard case .paid(let paid) = grant else { return true }
        let charge = terms?.price ?? paid.amount
        do {
            if let work = terms?.work, let answer = answer() {
                try await ledger.settle(paid, for: work, answer: answer, charging: charge)
            } else {
                try await ledger.settle(paid, charging: charge)
                if let work = terms?.work { await ledger.abandon(work) }
            }
            return true
        } catch {
            logger.error("a served request could not be settled", metadata: ["ledger.error": "\(error)"])
            return false
        }
    }

    /// Gives back what was held for a request that was not served.
    public func release(_ grant: Grant, _ terms: GrantTerms = .unpaid) async {
        guard case .paid(let paid) = grant else { return }
        do {
            _ = try await ledger.release(paid)
        } catch {
            // The sweeper releases the hold when its deadline has passed.
            logger.warning("a hold will be released by the sweeper", metadata: ["ledger.error": "\(error)"])
        }
        if let work = terms.work { await ledger.abandon(work) }
    }

    /// How long work may take whose price is held: a little less than the hold lives.
    public var holdPatience: Duration { max(.seconds(1), ledger.holdLifetime - .seconds(5)) }

    /// Whether a look-up that found nothing is free: so many per hour and payment are.
    public func isFreeMiss(_ grant: Grant) -> Bool {
        guard case .paid(let paid) = grant else { return true }
        return misses.withLock { $0.take(paid.paymentHash, now: MonotonicSeconds.now()) }.isAllowed
    }

    /// Cancels invoices that nobody has paid in time.
    public func cancelExpiredInvoices() async { await issuer.cancelExpired() }
}
