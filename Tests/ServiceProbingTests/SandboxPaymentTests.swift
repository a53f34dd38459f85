// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Bolt11
import Foundation
import LND
import LightningPrimitives
import LightningSandbox
import Postgres
import PostgresTestSupport
import ServiceChecks
import ServiceProbing
import Subprocess
import Testing

/// Payments through LND's own interface, by the sandbox.
struct SandboxPaymentTests {
    private static let budget = SpendBudget(perPayment: .sat(5), perCycle: .sat(50), perDay: .sat(1000))

    private static func withNodes(
        _ body: @escaping @Sendable (LNDClient, LNDClient, SandboxAccountInfo) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "assay-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let sandbox = Sandbox(configuration: SandboxConfiguration(directory: directory.path), logger: silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await sandbox.run() }
            let infos = try await sandbox.ready()
            func client(_ name: String, _ macaroon: (SandboxAccountInfo) -> String) throws -> LNDClient {
                let info = try #require(infos.first { $0.name == name })
                return LNDClient(
                    configuration: LNDConfiguration(
                        restURL: info.restURL,
                        tlsCertificatePath: info.tlsCertPath,
                        macaroonPath: macaroon(info)
                    ),
                    logger: silent
                )
            }
            let merchant = try client("merchant", \.invoiceMacaroonPath)
            let payer = try client("payer", \.payMacaroonPath)
            let info = try #require(infos.first { $0.name == "payer" })
            let result: Result<Void, any Error>
            do { result = .success(try await body(merchant, payer, info)) } catch { result = .failure(error) }
            await merchant.shutdown()
            await payer.shutdown()
            group.cancelAll()
            try result.get()
        }
    }

    @Test("a real payment is reserved, made and booked once, however many payers want it")
    func pays() async throws {
        try await Self.withNodes { (merchant, payer, _) async throws in
            try await TestDatabase.withClient(of: TestDatabase.migrated(), connections: 4) { client in
                let ledger = SpendLedger(client)
                let own = try #require(NodeID(hex: try await payer.nodeStatus().identity))
                let purse = Purse(
                    payer,
                    ledger: ledger,
                    paths: PathEvidence(client),
                    ownNode: { own },
                    logger: silent
                )
                let text = try await merchant.addInvoice(InvoiceRequest(amount: .sat(5), memo: "", expirySeconds: 600))
                let invoice = try Bolt11Invoice(parsing: text)
                let payments = await withTaskGroup(of: Purse.Payment.self) { group in
                    for index in 0..<4 {
                        group.addTask {
                            await purse.pay(
                                invoice,
                                kind: .paidProbe,
                                cycle: "\(index)",
                                endpoint: nil,
                                feeLimit: .sat(10),
                                budget: Self.budget
                            )
                        }
                    }
                    return await group.reduce(into: [Purse.Payment]()) { $0.append($1) }
                }
                let proofs = payments.compactMap { payment in
                    if case .paid(let preimage, _) = payment { preimage } else { nil }
                }
                #expect(proofs.map(\.paymentHash) == [invoice.paymentHash])
                let spent = try await ledger.spentToday(.paidProbe)
                #expect(spent >= .sat(5) && spent <= .sat(15))
                #expect(try await merchant.lookupInvoice(invoice.paymentHash)?.amountPaid == .sat(5))
            }
        }
    }

    @Test("a payment that was reserved and never sent is given back, one that was sent is booked")
    func resumes() async throws {
        try await Self.withNodes { (merchant, payer, _) async throws in
            try await TestDatabase.withClient(of: TestDatabase.migrated()) { client in
                let ledger = SpendLedger(client)
                var hashes: [PaymentHash] = []
                for isSent in [false, true] {
                    let text = try await merchant.addInvoice(
                        InvoiceRequest(amount: .sat(5), memo: "", expirySeconds: 600)
                    )
                    let hash = try Bolt11Invoice(parsing: text).paymentHash
                    hashes.append(hash)
                    let planned = PlannedPayment(
                        hash: hash,
                        kind: .paidProbe,
                        cycle: "c",
                        endpoint: nil,
                        amount: .sat(5),
                        feeLimit: .sat(10)
                    )
                    #expect(try await ledger.reserve(planned, within: Self.budget) == .reserved)
                    guard isSent else { continue }
                    _ = try await payer.pay(text, hash: hash, terms: PaymentTerms(feeLimit: .sat(10), parts: 1))
                }
                #expect(try await Purse(payer, ledger: ledger, logger: silent).resume(olderThan: 0) == 2)
                let sql = "SELECT payment_hash, state FROM spend_ledger"
                var states: [PaymentHash: String] = [:]
                for row in try await client.query(.test(sql)) {
                    states[try #require(PaymentHash(try row.bytea(0)))] = try row.text(1)
                }
                #expect(hashes.map { states[$0] } == ["failed", "settled"])
            }
        }
    }

    @Test("a payer that is killed before or after the payment went out is neither paid twice nor forgotten")
    func killed() async throws {
        try await Self.withNodes { (merchant, payer, info) async throws in
            for (place, state) in [("before", "failed"), ("after", "settled")] {
                let database = try await TestDatabase.migrated()
                let text = try await merchant.addInvoice(InvoiceRequest(amount: .sat(5), memo: "", expirySeconds: 600))
                let invoice = try Bolt11Invoice(parsing: text)
                let programs = try #require(CommandLine.arguments.first).split(separator: "/").dropLast()
                _ = try await Subprocess.run(
                    .name("SpendCrashProbe"),
                    arguments: [database, info.restURL, info.tlsCertPath, info.payMacaroonPath, text, place],
                    environment: .inherit.updating(["PATH": "/" + programs.joined(separator: "/")]),
                    input: .none,
                    output: .sequence,
                    error: .discarded
                ) { execution in
                    for try await line in execution.standardOutput.strings() where line.contains("here") {
                        try execution.send(signal: .kill)
                    }
                }
                try await TestDatabase.withClient(of: database) { client in
                    let purse = Purse(payer, ledger: SpendLedger(client), logger: silent)
                    // Whoever tries again meanwhile is refused.
                    let again = await purse.pay(
                        invoice,
                        kind: .paidProbe,
                        cycle: "again",
                        endpoint: nil,
                        feeLimit: .sat(10),
                        budget: Self.budget
                    )
                    guard case .notPaid(.duplicateInvoice, _) = again else {
                        Issue.record("\(place): paid again: \(again)")
                        return
                    }
                    // A node that does not answer in ten seconds leaves the payment open for the next time.
                    var resumed = 0
                    for _ in 0..<6 where resumed == 0 { resumed = try await purse.resume(olderThan: 0) }
                    #expect(resumed == 1)
                    let sql = "SELECT state, coalesce(paid_msat, 0) FROM spend_ledger"
                    let row = try #require(try await client.query(.test(sql)).first)
                    #expect(try row.text(0) == state)
                    #expect(try row.int8(1) == (place == "after" ? 5000 : 0))
                }
                let paid = try await merchant.lookupInvoice(invoice.paymentHash)?.amountPaid
                #expect(paid == (place == "after" ? .sat(5) : .zero))
            }
        }
    }
}
