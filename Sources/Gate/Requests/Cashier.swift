// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import L402
internal import Ledger
internal import LightningPrimitives
internal import OrderedCollections
internal import Synchronization

/// Debits purchases: the credit if there is one, else the payment that makes it.
final class Cashier: Sendable {
    private let ledger: Ledger
    private let settlements: Settlements
    private let schedule: DepositSchedule
    /// Rates of deposits; they never change.
    private let rates = Mutex<OrderedDictionary<PaymentHash, Int32>>([:])
    private let rateLimit = 65_536
    /// The largest deposit whose preimage alone is a credential.
    private static let bareDepositLimit = MilliSatoshi.sat(1000)

    init(ledger: Ledger, settlements: Settlements, schedule: DepositSchedule) {
        self.ledger = ledger
        self.settlements = settlements
        self.schedule = schedule
    }

    /// Holds the price of a request, or says why not.
    ///
    /// - Parameter allowsDepositRate: whether a deposit pays its own, lower rate.
    func debit(
        _ purchase: Purchase,
        price: MilliSatoshi,
        route: String,
        allowsDepositRate: Bool = true
    ) async throws(Refusal) -> PaidGrant {
        do {
            if purchase.purpose == .deposit, !allowsDepositRate {
                // Also makes the deposit's credit on its first use.
                let isSmall = try await open(purchase).credit.paid <= Self.bareDepositLimit
                guard purchase.facts.scheme != .bareDeposit || isSmall else { throw Refusal(.malformed) }
                return try await spend(purchase, price, route)
            }
            if purchase.purpose == .deposit { return try await debitDeposit(purchase, price, route) }
            return try await spend(purchase, price, route)
        } catch let error as LedgerError {
            throw Self.refusal(error)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.storeUnavailable)
        }
    }

    /// Makes the credit of a payment that has arrived, if it is not there yet.
    ///
    /// - Returns: the credit, and whether this call made it.
    func open(_ purchase: Purchase) async throws(Refusal) -> (credit: Credit, isNew: Bool) {
        do {
            do throws(LedgerError) {
                return (try await ledger.balance(paymentHash: purchase.paymentHash), false)
            } catch {
                guard error == .unknownCredit else { throw error }
                let isNew = try await credit(purchase)
                return (try await ledger.balance(paymentHash: purchase.paymentHash), isNew)
            }
        } catch let error as LedgerError {
            throw Self.refusal(error)
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.storeUnavailable)
        }
    }

    private func spend(_ purchase: Purchase, _ price: MilliSatoshi, _ route: String) async throws -> PaidGrant {
        let hash = purchase.paymentHash
        do {
            return try await ledger.debit(paymentHash: hash, amount: price, route: route, within: purchase.limits)
        } catch LedgerError.unknownCredit {
            if purchase.limits.isEmpty, purchase.purpose == .call {
                // One statement makes the credit and debits it.
                let payment = payment(purchase, paid: try await settlements.amountPaid(hash))
                return try await ledger.firstUse(payment: payment, amount: price, route: route)
            }
            try await credit(purchase)
            return try await ledger.debit(paymentHash: hash, amount: price, route: route, within: purchase.limits)
        }
    }

    private func debitDeposit(_ purchase: Purchase, _ price: MilliSatoshi, _ route: String) async throws -> PaidGrant {
        let hash = purchase.paymentHash
        if purchase.facts.scheme == .bareDeposit {
            // Every hop of the payment knows the preimage, so only small deposits are risked.
            let credit = try await open(purchase).credit
            guard credit.paid <= Self.bareDepositLimit else { throw Refusal(.malformed) }
            return try await spend(purchase, credit.price(price), route)
        }
        if let rate = rates.withLock({ $0[hash] }) {
            return try await spend(purchase, Credit.price(price, ratePPM: rate), route)
        }
        let credit = try await open(purchase).credit
        rates.withLock { rates in
            if rates.count >= rateLimit { rates.removeFirst(rateLimit / 4) }
            rates[hash] = credit.ratePPM
        }
        return try await spend(purchase, credit.price(price), route)
    }

    @discardableResult
    private func credit(_ purchase: Purchase) async throws -> Bool {
        let payment = payment(purchase, paid: try await settlements.amountPaid(purchase.paymentHash))
        if purchase.purpose == .upgrade,
            let source = try await ledger.upgradeSource(of: purchase.paymentHash)
        {
            return try await ledger.open(payment, carryingFrom: source) != nil
        }
        return try await ledger.open(payment).isNew
    }

    private func payment(_ purchase: Purchase, paid: MilliSatoshi) -> SettledPayment {
        SettledPayment(
            paymentHash: purchase.paymentHash,
            tokenID: purchase.tokenID,
            service: purchase.service,
            tier: Int16(purchase.tier),
            purpose: purchase.purpose == .deposit ? "deposit" : "call",
            paid: paid,
            expiresAt: purchase.creditEnds.map { Date(timeIntervalSince1970: Double($0)) },
            ratePPM: purchase.purpose == .deposit ? schedule.tier(for: paid).ratePPM : 1_000_000
        )
    }

    static func refusal(_ error: LedgerError) -> Refusal {
        switch error {
        case .insufficientBalance(let remaining):
            Refusal(remaining > .zero ? .insufficientBalance : .exhausted)
        case .limitReached: Refusal(.exhausted)
        case .expired: Refusal(.expired)
        case .closed: Refusal(.revoked)
        case .busy: Refusal(.notSettled)
        default: Refusal(.storeUnavailable)
        }
    }
}
