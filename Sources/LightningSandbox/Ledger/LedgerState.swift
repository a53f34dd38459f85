// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Secp256k1

/// The state of all accounts: invoices, payments, balances and root keys.
///
/// A state machine without I/O and without a clock. A command checks its arguments, then records events; an event is
/// applied at once and waits in ``uncommitted`` for the journal. Replaying the same events makes the same state.
struct LedgerState: Sendable {
    let network: BitcoinNetwork
    private(set) var accounts: [Account] = []
    /// Events that the journal does not have yet.
    private(set) var uncommitted: [LedgerEvent] = []
    /// No open invoice expires before this time, in Unix seconds.
    private(set) var quietUntil = Int64.max

    init(network: BitcoinNetwork) { self.network = network }

    /// Takes the events that are to be written.
    mutating func takeUncommitted() -> [LedgerEvent] {
        defer { uncommitted = [] }
        return uncommitted
    }

    /// Records an event and lets it happen.
    mutating func record(_ event: LedgerEvent) {
        uncommitted.append(event)
        apply(event)
    }

    /// Lets an event happen; on replay this is all.
    mutating func apply(_ event: LedgerEvent) {
        switch event {
        case .accountOpened(let name, let identity, let msat):
            guard let key = SecretKey(identity.bytes) else { return }
            accounts.append(Account(name: name, key: key, msat: msat))
        case .rootKeyMade(let account, let id, let key):
            accounts[account].rootKeys[id] = key.bytes
        case .rootKeyDeleted(let account, let id):
            accounts[account].rootKeys[id] = nil
        case .invoiceAdded(let account, let invoice):
            accounts[account].add(invoice)
            if invoice.state == .open { quietUntil = min(quietUntil, invoice.expiresAt) }
        case .invoiceCanceled(let account, let hash):
            accounts[account].cancel(hash)
        case .paymentFailed(let payer, let payment):
            accounts[payer].record(payment)
        case .paymentSucceeded(let payer, let payee, let payment):
            settle(payment, from: payer, to: payee)
        }
    }

    /// Whether an event of the journal names accounts that exist.
    func canApply(_ event: LedgerEvent) -> Bool {
        switch event {
        case .accountOpened(_, let identity, _): SecretKey(identity.bytes) != nil
        case .rootKeyMade(let account, _, _), .rootKeyDeleted(let account, _), .invoiceAdded(let account, _),
            .invoiceCanceled(let account, _), .paymentFailed(let account, _):
            accounts.indices.contains(account)
        case .paymentSucceeded(let payer, let payee, _):
            accounts.indices.contains(payer) && accounts.indices.contains(payee)
        }
    }

    private mutating func settle(_ payment: Payment, from payer: Int, to payee: Int) {
        accounts[payer].msat -= payment.msat
        accounts[payee].msat += payment.msat
        accounts[payer].record(payment)
        let settlement = Invoice.Settlement(
            index: UInt64(accounts[payee].settled.count) + 1,
            date: payment.resolveTimeNs / 1_000_000_000,
            paidMsat: payment.msat,
            channelID: Self.channelID(payer, payee)
        )
        accounts[payee].settle(payment.hash, settlement)
    }

    /// Cancels every open invoice whose time is up.
    ///
    /// Constant time while nothing can have expired.
    /// - Parameter now: Unix seconds.
    mutating func cancelExpired(now: Int64) {
        guard now >= quietUntil else { return }
        for account in accounts.indices {
            for offset in accounts[account].open.sorted() {
                let invoice = accounts[account].invoices[offset]
                guard now >= invoice.expiresAt else { continue }
                record(.invoiceCanceled(account: account, hash: invoice.hash))
            }
        }
        let next = accounts.flatMap { account in account.open.map { account.invoices[$0].expiresAt } }
        quietUntil = next.min() ?? .max
    }

    /// The channel between two accounts: every pair has one.
    static func channelID(_ one: Int, _ other: Int) -> UInt64 {
        let (low, high) = (UInt64(min(one, other)), UInt64(max(one, other)))
        return firstChannelBlock << 40 | (low << 8 | high) << 16
    }

    private static let firstChannelBlock: UInt64 = 103
}
