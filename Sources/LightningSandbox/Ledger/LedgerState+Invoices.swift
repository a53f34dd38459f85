// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Bolt11
internal import LightningPrimitives

extension LedgerState {
    /// BOLT 9: tlv-onion and payment-addr required, multi-path-payments and route-blinding optional.
    static let invoiceFeatures = [8, 14, 17, 25]
    private static let defaultExpiry: Int64 = 86_400
    private static let greatestExpiry: Int64 = 31_536_000
    private static let defaultCLTVExpiry: UInt64 = 80
    private static let leastCLTVExpiry: UInt64 = 24
    private static let greatestMemo = 1024
    /// BOLT 11: a field has at most 1023 groups of five bits.
    private static let greatestField = 1023

    /// Adds an invoice to an account and signs it with the account's key.
    ///
    /// - Parameter now: Unix seconds.
    /// - Throws: LND's sentences about orders it does not take.
    mutating func addInvoice(_ order: InvoiceOrder, account: Int, now: Int64) throws(RPCError) -> Invoice {
        let preimage = try Self.preimage(of: order)
        let expirySeconds = try Self.expiry(of: order)
        try Self.check(order)
        let hash = HexBytes(preimage.paymentHash.bytes)
        guard accounts[account].invoice(hash) == nil else {
            throw RPCError("invoice with payment hash already exists")
        }
        let paymentAddress = HexBytes(Preimage.random().bytes)
        let cltvExpiry = order.cltvExpiry == 0 ? Self.defaultCLTVExpiry : order.cltvExpiry
        var contents = Bolt11Invoice.Contents(
            network: network,
            amount: order.msat == 0 ? nil : MilliSatoshi(msat: order.msat),
            timestamp: now,
            paymentHash: preimage.paymentHash,
            paymentSecret: paymentAddress.bytes
        )
        if order.descriptionHash.isEmpty {
            contents.description = order.memo
        } else {
            contents.descriptionHash = order.descriptionHash
        }
        contents.expirySeconds = expirySeconds
        contents.minFinalCLTVExpiryDelta = Int64(cltvExpiry)
        contents.features = Self.invoiceFeatures
        let invoice = Invoice(
            memo: order.memo,
            preimage: HexBytes(preimage.bytes),
            hash: hash,
            msat: order.msat,
            creationDate: now,
            expirySeconds: expirySeconds,
            paymentRequest: try Self.sign(contents, for: accounts[account]),
            descriptionHash: HexBytes(order.descriptionHash),
            cltvExpiry: cltvExpiry,
            isPrivate: order.isPrivate,
            fallbackAddress: order.fallbackAddress,
            addIndex: UInt64(accounts[account].invoices.count) + 1,
            paymentAddress: paymentAddress
        )
        record(.invoiceAdded(account: account, invoice: invoice))
        return invoice
    }

    /// Cancels an open invoice; one that is canceled already stays so.
    mutating func cancelInvoice(_ hash: HexBytes, account: Int) throws(RPCError) {
        // LND answers an unknown hash with the code 2 here, and with 5 in a look-up.
        guard let invoice = accounts[account].invoice(hash) else { throw RPCError("unable to locate invoice") }
        switch invoice.state {
        case .open: record(.invoiceCanceled(account: account, hash: hash))
        case .canceled: break
        case .settled: throw RPCError("invoice already settled")
        }
    }

    private static func preimage(of order: InvoiceOrder) throws(RPCError) -> Preimage {
        guard let bytes = order.preimage else { return .random() }
        guard let preimage = Preimage(bytes) else {
            throw RPCError("payment preimage must be exactly 32 bytes, is instead \(bytes.count)")
        }
        return preimage
    }

    private static func expiry(of order: InvoiceOrder) throws(RPCError) -> Int64 {
        guard order.expirySeconds >= 0 else {
            throw RPCError("expiry of \(order.expirySeconds) seconds is negative")
        }
        guard order.expirySeconds <= greatestExpiry else {
            let asked = GoNumber.scientific(order.expirySeconds)
            let greatest = GoNumber.scientific(greatestExpiry)
            throw RPCError("expiry of \(asked) seconds greater than max expiry of \(greatest) seconds")
        }
        return order.expirySeconds == 0 ? defaultExpiry : order.expirySeconds
    }

    private static func check(_ order: InvoiceOrder) throws(RPCError) {
        let memo = order.memo.utf8.count
        guard memo <= greatestMemo else {
            throw RPCError("memo too large: \(memo) bytes (maxsize=\(greatestMemo))")
        }
        guard order.descriptionHash.isEmpty || order.descriptionHash.count == 32 else {
            throw RPCError("description hash is \(order.descriptionHash.count) bytes, must be 32")
        }
        let groups = (memo * 8 + 4) / 5
        guard !order.descriptionHash.isEmpty || groups <= greatestField else {
            throw RPCError("data length too big to fit within 10 bits: \(groups)")
        }
        guard order.msat >= 0 else {
            throw RPCError("payments of negative value are not allowed, value is \(order.msat)")
        }
        guard order.msat <= MilliSatoshi.supply.msat else {
            throw RPCError("payment of \(order.msat) mSAT is too large")
        }
        guard order.cltvExpiry <= UInt64(UInt16.max) else {
            throw RPCError("CLTV delta of \(order.cltvExpiry) is too large, max accepted is: \(UInt16.max)")
        }
        guard order.cltvExpiry == 0 || order.cltvExpiry >= leastCLTVExpiry else {
            throw RPCError("CLTV delta of \(order.cltvExpiry) must be greater than minimum of \(leastCLTVExpiry)")
        }
    }

    private static func sign(_ contents: Bolt11Invoice.Contents, for account: Account) throws(RPCError) -> String {
        do {
            return try Bolt11Invoice(signing: contents, with: account.key).text
        } catch {
            throw RPCError("unable to encode payment request: \(error.detail)")
        }
    }
}
