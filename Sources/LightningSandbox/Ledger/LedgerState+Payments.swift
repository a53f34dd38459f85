// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import LightningPrimitives

extension LedgerState {
    /// Pays an invoice, or records why it cannot be paid.
    ///
    /// Money moves, and the payee's invoice settles, in one event.
    /// - Parameter nowNs: Unix nanoseconds.
    /// - Throws: LND's sentences about payments it does not even try.
    mutating func pay(_ order: PaymentOrder, payer: Int, nowNs: Int64) throws(RPCError) -> Payment {
        let invoice = order.invoice
        let msat = try amount(of: order)
        guard invoice.expiresAt > nowNs / 1_000_000_000 else {
            throw RPCError("invoice expired. Valid until \(UTCTime(unixSeconds: invoice.expiresAt).goText)")
        }
        guard invoice.payee != accounts[payer].identity else { throw RPCError("self-payments not allowed") }
        let hash = HexBytes(invoice.paymentHash.bytes)
        guard accounts[payer].payment(hash)?.preimage == nil else {
            throw RPCError("invoice is already paid", code: .alreadyExists)
        }
        let payee = accounts.firstIndex { $0.identity == invoice.payee }
        let outcome = outcome(of: order, msat: msat, payer: payer, payee: payee)
        let payment = Payment(
            hash: hash,
            paymentRequest: invoice.text,
            msat: msat,
            creationTimeNs: nowNs,
            resolveTimeNs: nowNs,
            index: UInt64(accounts[payer].payments.count) + 1,
            preimage: outcome.preimage,
            failure: outcome.failure,
            attempt: payee.flatMap { payee in
                guard outcome.failure == nil || outcome.failure == .incorrectDetails else { return nil }
                return Payment.Attempt(
                    destination: invoice.payee.hex,
                    channelID: Self.channelID(payer, payee),
                    paymentAddress: HexBytes(invoice.paymentSecret)
                )
            }
        )
        if let payee, payment.failure == nil {
            record(.paymentSucceeded(payer: payer, payee: payee, payment: payment))
        } else {
            record(.paymentFailed(payer: payer, payment: payment))
        }
        return payment
    }

    private func amount(of order: PaymentOrder) throws(RPCError) -> Int64 {
        guard order.invoice.network == network else {
            throw RPCError("invoice not for current active network '\(network.rawValue)'")
        }
        guard let asked = order.invoice.amount else {
            guard order.msat > 0 else {
                throw RPCError("amount must be specified when paying a zero amount invoice")
            }
            return order.msat
        }
        guard order.msat == 0 else {
            throw RPCError("amount must not be specified when paying a non-zero amount invoice")
        }
        return asked.msat
    }

    private func outcome(
        of order: PaymentOrder,
        msat: Int64,
        payer: Int,
        payee: Int?
    ) -> (preimage: HexBytes?, failure: Payment.Failure?) {
        guard msat <= accounts[payer].msat else { return (nil, .insufficientBalance) }
        guard let payee else { return (nil, .noRoute) }
        guard let invoice = accounts[payee].invoice(HexBytes(order.invoice.paymentHash.bytes)),
            invoice.state == .open, msat >= invoice.msat,
            invoice.paymentAddress.bytes == order.invoice.paymentSecret
        else { return (nil, .incorrectDetails) }
        return (invoice.preimage, nil)
    }
}
