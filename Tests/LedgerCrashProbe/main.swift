// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Spends of a credit without ever settling, and says so, until it is killed: LedgerCrashProbe CONNECTION HASH AMOUNT.

import Ledger
import LightningPrimitives
import Logging
import Postgres

guard CommandLine.arguments.count == 4, let hash = PaymentHash(hex: CommandLine.arguments[2]),
    let amount = Int64(CommandLine.arguments[3])
else { preconditionFailure("usage: LedgerCrashProbe CONNECTION HASH AMOUNT") }

let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
let client = PostgresClient(
    PostgresConfiguration(connectionString: CommandLine.arguments[1], connections: 2, applicationName: "probe"),
    logger: logger
)
// Holds that are overdue at once, so that the test need not wait.
let ledger = Ledger(client: client, configuration: LedgerConfiguration(holdLifetime: .zero), logger: logger)

try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
        group.addTask {
            while true {
                _ = try await ledger.debit(paymentHash: hash, amount: MilliSatoshi(msat: amount), route: "probe")
                print("held")
            }
        }
    }
    try await group.waitForAll()
}
