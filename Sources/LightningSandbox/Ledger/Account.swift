// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import LightningPrimitives
internal import Secp256k1

/// The books of one account.
struct Account: Sendable {
    let name: String
    let key: SecretKey
    let identity: NodeID
    var msat: Int64
    var rootKeys: [UInt64: [UInt8]] = [:]
    /// By add index, from 1.
    private(set) var invoices: [Invoice] = []
    /// Offsets in `invoices`, by settle index, from 1.
    private(set) var settled: [Int] = []
    /// Offsets in `invoices` of those that can still be paid.
    private(set) var open: Set<Int> = []
    private(set) var payments: [Payment] = []
    private var invoiceOffsets: [HexBytes: Int] = [:]
    private var paymentOffsets: [HexBytes: Int] = [:]

    init(name: String, key: SecretKey, msat: Int64) {
        self.name = name
        self.key = key
        identity = key.publicKey.nodeID
        self.msat = msat
    }

    func invoice(_ hash: HexBytes) -> Invoice? { invoiceOffsets[hash].map { invoices[$0] } }

    func invoice(paymentAddress: HexBytes) -> Invoice? {
        invoices.last { $0.paymentAddress == paymentAddress }
    }

    /// The latest payment of a hash.
    func payment(_ hash: HexBytes) -> Payment? { paymentOffsets[hash].map { payments[$0] } }

    mutating func add(_ invoice: Invoice) {
        invoiceOffsets[invoice.hash] = invoices.count
        open.insert(invoices.count)
        invoices.append(invoice)
    }

    mutating func cancel(_ hash: HexBytes) {
        guard let offset = invoiceOffsets[hash] else { return }
        invoices[offset].state = .canceled
        open.remove(offset)
    }

    mutating func settle(_ hash: HexBytes, _ settlement: Invoice.Settlement) {
        guard let offset = invoiceOffsets[hash] else { return }
        invoices[offset].state = .settled
        invoices[offset].settlement = settlement
        settled.append(offset)
        open.remove(offset)
    }

    mutating func record(_ payment: Payment) {
        paymentOffsets[payment.hash] = payments.count
        payments.append(payment)
    }
}
