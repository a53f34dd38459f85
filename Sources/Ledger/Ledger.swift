// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
public import LightningPrimitives
public import Logging
public import Postgres

/// Money: what payers have bought, what they have spent and what is held for calls under way.
///
/// Append-only entries are the truth; balances are kept beside them in the same statement and can be audited to the msat.
/// A call is paid in two steps: a debit holds its price, and `settle` earns it or `release` gives it back. A hold that is
/// neither, because its process died, is given back by `HoldSweeper` after its deadline. So nothing is lost or charged
/// twice by a crash at any point.
///
/// Give it a client of its own, made with ``clientConfiguration(connectionString:)``: its statements wait for row locks,
/// which would keep others waiting.
public final class Ledger: Sendable {
    let store: LedgerStore
    private let batcher: DebitBatcher
    let settler: HoldEnder
    private let releaser: HoldEnder
    let instruments = LedgerInstruments()

    /// Makes a ledger over a migrated database.
    public init(client: PostgresClient, configuration: LedgerConfiguration = LedgerConfiguration(), logger: Logger) {
        let store = LedgerStore(client: client, configuration: configuration, logger: logger)
        let instruments = instruments
        let releaser = HoldEnder(.released, store: store, configuration: configuration) { _ in
            instruments.didRelease(1)
        }
        self.store = store
        self.releaser = releaser
        settler = HoldEnder(.settled, store: store, configuration: configuration) { grant in
            instruments.didSettle(grant.amount, route: grant.route)
        }
        batcher = DebitBatcher(store: store, configuration: configuration, instruments: instruments) { grant in
            releaser.endLater(grant)
        }
    }

    /// How a ledger's client should be made: a connection for each lane, and plans that are made once.
    public static func clientConfiguration(connectionString: String) -> PostgresConfiguration {
        PostgresConfiguration(
            connectionString: connectionString,
            connections: 5,
            plansOnce: true,
            applicationName: "assay-ledger"
        )
    }

    /// How long a hold lives that nobody ends.
    public var holdLifetime: Duration { store.configuration.holdLifetime }

    // MARK: Spending

    /// Holds an amount of a credit that was used before.
    ///
    /// Takes one commit; many calls at a time share one statement.
    /// - Throws: `.unknownCredit` when the payment was never used; `.insufficientBalance`, `.expired`, `.overloaded`,
    ///   `.storeUnavailable`.
    public func debit(
        paymentHash: PaymentHash,
        amount: MilliSatoshi,
        route: String
    ) async throws(LedgerError) -> PaidGrant {
        guard amount > .zero else { throw .invalidAmount }
        return try await batcher.debit(paymentHash, by: amount, route: route)
    }

    /// Holds an amount of a credit that was used before, within the limits of the token; see ``SpendingLimit``.
    ///
    /// - Throws: `.limitReached` when a limit does not allow it, and what ``debit(paymentHash:amount:route:)`` throws.
    public func debit(
        paymentHash: PaymentHash,
        amount: MilliSatoshi,
        route: String,
        within limits: [SpendingLimit]
    ) async throws(LedgerError) -> PaidGrant {
        guard !limits.isEmpty else { return try await debit(paymentHash: paymentHash, amount: amount, route: route) }
        guard amount > .zero else { throw .invalidAmount }
        let holdID = HoldID.make()
        let balance = try await store.debit(paymentHash, amount, holdID, route, within: limits)
        instruments.didHold(1)
        return PaidGrant(
            holdID: holdID,
            paymentHash: paymentHash,
            amount: amount,
            route: route,
            paid: balance.paid,
            remaining: balance.paid - balance.spent,
            isFirstUse: false
        )
    }

    /// Makes the credit of a payment and holds an amount of it; debits the credit if somebody else was first.
    ///
    /// The caller has verified that the payment has arrived. Of any number of racing first uses, as many succeed as the
    /// payment is good for.
    /// - Throws: `.insufficientBalance`, `.expired`, `.overloaded`, `.storeUnavailable`.
    public func firstUse(
        payment: SettledPayment,
        amount: MilliSatoshi,
        route: String
    ) async throws(LedgerError) -> PaidGrant {
        guard amount > .zero, payment.paid > .zero else { throw .invalidAmount }
        guard amount <= payment.paid else { throw try await refusal(of: payment) }
        let holdID = HoldID.make()
        guard let (balance, isNew) = try await store.firstUse(payment, amount, holdID, route) else {
            throw try await refusal(of: payment)
        }
        if isNew { instruments.didPay() }
        instruments.didHold(1)
        return PaidGrant(
            holdID: holdID,
            paymentHash: payment.paymentHash,
            amount: amount,
            route: route,
            paid: balance.paid,
            remaining: balance.paid - balance.spent,
            isFirstUse: isNew
        )
    }

    /// Makes the credit of a payment without spending of it, such as for a deposit; harmless when it exists.
    ///
    /// - Returns: the credit, and whether this call made it.
    @discardableResult
    public func open(_ payment: SettledPayment) async throws(LedgerError) -> (credit: Credit, isNew: Bool) {
        guard payment.paid > .zero else { throw .invalidAmount }
        let isNew = try await store.open(payment)
        if isNew { instruments.didPay() }
        return (try await balance(paymentHash: payment.paymentHash), isNew)
    }

    /// Why a first use was refused.
    private func refusal(of payment: SettledPayment) async throws(LedgerError) -> LedgerError {
        guard let finding = try await store.lookUp([payment.paymentHash])[payment.paymentHash] else {
            let isOver = payment.expiresAt.map { $0 <= Date() } ?? false
            return isOver ? .expired : .insufficientBalance(remaining: payment.paid)
        }
        switch finding {
        case .open(let remaining): return .insufficientBalance(remaining: remaining)
        case .expired, .missing: return .expired
        case .closed: return .closed
        }
    }

    // MARK: Ending a hold

    /// Earns what a grant holds.
    ///
    /// Harmless when repeated, so it may be tried again after `.storeUnavailable`.
    /// - Throws: `.expired` when the value went back before, because the hold's deadline passed or it was released.
    public func settle(_ grant: PaidGrant) async throws(LedgerError) {
        guard try await settler.end(grant) == .settled else { throw .expired }
    }

    /// Earns a part of what a grant holds and gives back the rest, in one statement: for prices that are known only when
    /// the work is done.
    ///
    /// Harmless when repeated.
    /// - Parameter charge: at most what the grant holds; nothing releases it.
    /// - Throws: `.expired` when the value went back before; `.invalidAmount`.
    public func settle(_ grant: PaidGrant, charging charge: MilliSatoshi) async throws(LedgerError) {
        let charge = try Self.charge(charge, of: grant)
        if charge == grant.amount { return try await settle(grant) }
        let values: [PostgresValue] = [.bytea(grant.holdID.bytes), .int8(charge.msat)]
        if try await !store.run(LedgerStatements.settleMetered, values).isEmpty {
            return instruments.didSettle(charge, route: grant.route)
        }
        guard try await store.ends([grant.holdID])[grant.holdID] == .settled else { throw .expired }
    }

    /// What is to be charged of a grant.
    static func charge(_ charge: MilliSatoshi?, of grant: PaidGrant) throws(LedgerError) -> MilliSatoshi {
        guard let charge else { return grant.amount }
        guard charge >= .zero, charge <= grant.amount else { throw .invalidAmount }
        return charge
    }

    /// Gives back what a grant holds.
    ///
    /// Harmless when repeated.
    /// - Returns: false when the grant was settled before, so that nothing went back.
    @discardableResult
    public func release(_ grant: PaidGrant) async throws(LedgerError) -> Bool {
        try await releaser.end(grant) == .released
    }

    /// Gives back the value of holds that are past their deadline.
    ///
    /// - Returns: how many there were, at most `limit`.
    public func sweep(limit: Int = 500) async throws(LedgerError) -> Int {
        let count = try await store.sweep(limit: limit)
        instruments.didSweep(count)
        return count
    }

    // MARK: Reading

    /// What a payer has bought and what is left of it.
    ///
    /// - Throws: `.unknownCredit` when the payment was never used.
    public func balance(paymentHash: PaymentHash) async throws(LedgerError) -> Credit {
        guard let credit = try await store.credit(paymentHash) else { throw .unknownCredit }
        return credit
    }
}
