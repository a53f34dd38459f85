// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Pays an invoice through a node and hangs at a point where the test kills it:
//   SpendCrashProbe CONNECTION REST-URL CERTIFICATE MACAROON INVOICE before   reserved, and the node not asked yet
//   SpendCrashProbe CONNECTION REST-URL CERTIFICATE MACAROON INVOICE after    paid, and nothing booked yet
// It prints "here" when it hangs.

import Bolt11
import Foundation
import LND
import LightningPrimitives
import Logging
import Postgres
import ServiceProbing

/// A node that hangs before or after it pays.
struct HangingNode: PaymentNode {
    let node: LNDClient
    let pays: Bool

    func pay(_ paymentRequest: String, hash: PaymentHash, terms: PaymentTerms) async throws(LNDError) -> PaymentUpdate {
        if pays { _ = try await node.pay(paymentRequest, hash: hash, terms: terms) }
        print("here")
        fflush(nil)
        while true { try? await Task.sleep(for: .seconds(3600)) }
    }

    func trackPayment(_ hash: PaymentHash, within patience: Duration) async throws(LNDError) -> PaymentUpdate {
        try await node.trackPayment(hash, within: patience)
    }
}

guard CommandLine.arguments.count == 7 else { preconditionFailure("six arguments") }
let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
let client = PostgresClient(
    PostgresConfiguration(connectionString: CommandLine.arguments[1], connections: 1, applicationName: "probe"),
    logger: logger
)
let node = LNDClient(
    configuration: LNDConfiguration(
        restURL: CommandLine.arguments[2],
        tlsCertificatePath: CommandLine.arguments[3],
        macaroonPath: CommandLine.arguments[4]
    ),
    logger: logger
)
let purse = Purse(
    HangingNode(node: node, pays: CommandLine.arguments[6] == "after"),
    ledger: SpendLedger(client),
    logger: logger
)
_ = await purse.pay(
    try Bolt11Invoice(parsing: CommandLine.arguments[5]),
    kind: .paidProbe,
    cycle: "crash",
    endpoint: nil,
    feeLimit: .sat(10),
    budget: SpendBudget(perPayment: .sat(5), perCycle: .sat(50), perDay: .sat(1000))
)
