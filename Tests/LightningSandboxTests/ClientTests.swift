// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import LND
import LightningPrimitives
import Logging
import NIOCore
import NIOFoundationCompat
import Testing

@testable import LightningSandbox

/// Our own client against the sandbox: everything it can ask.
@Suite("Our LND client and the sandbox")
struct ClientTests {
    private func withClients(
        _ body: @escaping @Sendable (LNDClient, LNDClient, [String: NodeCaller]) async throws -> Void
    ) async throws {
        // The client's clock is the machine's, so the sandbox's is too.
        try await withSandbox(clock: SystemSandboxClock()) { nodes in
            let merchant = client(try #require(nodes["merchant"]), \.invoiceMacaroonPath)
            let payer = client(try #require(nodes["payer"]), \.payMacaroonPath)
            let result: Result<Void, any Error>
            do { result = .success(try await body(merchant, payer, nodes)) } catch { result = .failure(error) }
            await merchant.shutdown()
            await payer.shutdown()
            try result.get()
        }
    }

    @Test("it reads the wallet's state and the node's status")
    func status() async throws {
        try await withClients { merchant, _, nodes in
            #expect(try await merchant.walletState() == .serverActive)
            let status = try await merchant.nodeStatus()
            #expect(status.identity == nodes["merchant"]?.info.identity.hex)
            #expect(status.alias == "merchant")
            #expect(status.network == "regtest")
            #expect(status.syncedToChain && status.syncedToGraph)
        }
    }

    @Test("it adds, finds, pays, tracks and waits for an invoice")
    func payment() async throws {
        try await withClients { merchant, payer, _ in
            let order = InvoiceRequest(amount: .sat(21), memo: "one call", expirySeconds: 600)
            let hash = order.preimage.paymentHash
            let request = try await merchant.addInvoice(order)
            #expect(try await merchant.addInvoice(order) == request)
            #expect(try await merchant.lookupInvoice(hash)?.state == .open)
            let paid = try await payer.pay(request, hash: hash, terms: PaymentTerms(feeLimit: .zero))
            #expect(paid.status == .succeeded)
            #expect(paid.preimage == order.preimage)
            #expect(paid.amount == .sat(21))
            #expect(try await payer.trackPayment(hash, within: .seconds(10)).status == .succeeded)
            #expect(try await merchant.waitForInvoice(hash, atMost: .seconds(10))?.state == .settled)
            let known = try await merchant.lookupInvoice(hash)
            #expect(known?.amountPaid == .sat(21))
            #expect(known?.settleIndex == 1)
        }
    }

    @Test("it understands the sandbox's refusals")
    func refusals() async throws {
        try await withClients { merchant, payer, _ in
            let order = InvoiceRequest(amount: .sat(1), memo: "", expirySeconds: 600)
            let hash = order.preimage.paymentHash
            #expect(try await merchant.lookupInvoice(hash) == nil)
            let request = try await merchant.addInvoice(order)
            let terms = PaymentTerms(feeLimit: .zero)
            _ = try await payer.pay(request, hash: hash, terms: terms)
            #expect(await meaning { _ = try await payer.pay(request, hash: hash, terms: terms) } == .alreadyPaid)
            #expect(await meaning { try await merchant.cancelInvoice(hash) } == .invoiceAlreadySettled)
            #expect(await meaning { _ = try await payer.addInvoice(order) } == .macaroonRefused)
        }
    }

    @Test("it cancels an invoice, which then cannot be paid")
    func cancellation() async throws {
        try await withClients { merchant, payer, _ in
            let order = InvoiceRequest(amount: .sat(1), memo: "", expirySeconds: 600)
            let request = try await merchant.addInvoice(order)
            try await merchant.cancelInvoice(order.preimage.paymentHash)
            let terms = PaymentTerms(feeLimit: .zero)
            let paid = try await payer.pay(request, hash: order.preimage.paymentHash, terms: terms)
            #expect(paid.status == .failed)
            #expect(paid.failureReason == "FAILURE_REASON_INCORRECT_PAYMENT_DETAILS")
        }
    }

    @Test("it reads the whole graph")
    func graph() async throws {
        try await withClients { merchant, _, _ in
            var bytes = Data()
            for try await piece in try await merchant.openGraph() { bytes.append(Data(buffer: piece)) }
            let graph = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
            #expect((graph["nodes"] as? [Any])?.count == 2)
            #expect((graph["edges"] as? [Any])?.count == 1)
        }
    }

    @Test("it follows invoices, and resumes behind what it has seen")
    func follow() async throws {
        try await withClients { merchant, payer, _ in
            let terms = PaymentTerms(feeLimit: .zero)
            let first = InvoiceRequest(amount: .sat(1), memo: "first", expirySeconds: 600)
            let second = InvoiceRequest(amount: .sat(2), memo: "second", expirySeconds: 600)
            for order in [first, second] {
                let request = try await merchant.addInvoice(order)
                _ = try await payer.pay(request, hash: order.preimage.paymentHash, terms: terms)
            }
            let third = InvoiceRequest(amount: .sat(3), memo: "third", expirySeconds: 600)
            let (seen, report) = AsyncStream.makeStream(of: InvoiceStatus.self)
            let follower = Task {
                let cursor = InvoiceCursor(addIndex: 1, settleIndex: 1)
                try? await merchant.followInvoices(from: cursor) { report.yield($0) }
            }
            defer { follower.cancel() }
            var events = seen.makeAsyncIterator()
            // Both replays have the second invoice, in its present state.
            for _ in 0..<2 {
                let event = await events.next()
                #expect(event?.paymentHash == second.preimage.paymentHash)
                #expect(event?.state == .settled)
            }
            let request = try await merchant.addInvoice(third)
            #expect(await events.next()?.state == .open)
            _ = try await payer.pay(request, hash: third.preimage.paymentHash, terms: terms)
            let last = await events.next()
            #expect(last?.state == .settled)
            #expect(last?.settleIndex == 3)
        }
    }

    @Test("it takes up a macaroon file that is replaced while it runs")
    func macaroonReplaced() async throws {
        try await withClients { merchant, _, nodes in
            let caller = try #require(nodes["merchant"])
            let path = caller.info.invoiceMacaroonPath
            let own = try Data(contentsOf: URL(filePath: path))
            #expect(try await merchant.nodeStatus().alias == "merchant")
            let weak = try Data(contentsOf: URL(filePath: caller.info.payMacaroonPath))
            let order = InvoiceRequest(amount: .sat(1), memo: "", expirySeconds: 600)
            try weak.write(to: URL(filePath: path), options: .atomic)
            #expect(await comes(.macaroonRefused) { _ = try await merchant.addInvoice(order) })
            try own.write(to: URL(filePath: path), options: .atomic)
            #expect(await comes(nil) { _ = try await merchant.addInvoice(order) })
        }
    }

    private func client(_ caller: NodeCaller, _ macaroon: KeyPath<SandboxAccountInfo, String>) -> LNDClient {
        let configuration = LNDConfiguration(
            restURL: caller.info.restURL,
            tlsCertificatePath: caller.info.tlsCertPath,
            macaroonPath: caller.info[keyPath: macaroon],
            deadlines: .generous
        )
        return LNDClient(configuration: configuration, logger: Logger(label: "lnd") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Whether an outcome comes within a time that is far longer than the second between two looks at the file.
    private func comes(_ wanted: LNDError.Meaning?, _ call: () async throws -> Void) async -> Bool {
        let end = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < end {
            if await meaning(call) == wanted { return true }
        }
        return false
    }

    private func meaning(_ call: () async throws -> Void) async -> LNDError.Meaning? {
        do {
            try await call()
            return nil
        } catch {
            return (error as? LNDError)?.meaning
        }
    }
}

extension LNDConfiguration.Deadlines {
    /// For tests whose subject is not time, on a machine that may be busy.
    static var generous: LNDConfiguration.Deadlines {
        var deadlines = LNDConfiguration.Deadlines()
        deadlines.connect = .seconds(30)
        deadlines.state = .seconds(30)
        deadlines.read = .seconds(30)
        deadlines.invoice = .seconds(30)
        return deadlines
    }
}
