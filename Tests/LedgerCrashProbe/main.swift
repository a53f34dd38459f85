// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

// Spends of a credit until it is killed, and says so:
//   LedgerCrashProbe CONNECTION HASH AMOUNT        holds that are never settled
//   LedgerCrashProbe CONNECTION HASH AMOUNT keys   requests with 50 keys, over and over, some of which end well

import Ledger
import LightningPrimitives
import Logging
import Postgres

guard CommandLine.arguments.count >= 4, let hash = PaymentHash(hex: CommandLine.arguments[2]),
    let amount = Int64(CommandLine.arguments[3]).map({ MilliSatoshi(msat: $0) })
else { preconditionFailure("usage: LedgerCrashProbe CONNECTION HASH AMOUNT [keys]") }

let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
let client = PostgresClient(
    PostgresConfiguration(connectionString: CommandLine.arguments[1], connections: 2, applicationName: "probe"),
    logger: logger
)
// Holds and reservations that are overdue at once, so that the test need not wait.
let ledger = Ledger(client: client, configuration: LedgerConfiguration(holdLifetime: .zero), logger: logger)

/// One request with a key: reserved, held, and settled, released or left alone by chance.
@Sendable func request() async throws {
    let number = UInt8.random(in: 0..<50)
    let wish = IdempotentRequest(
        paymentHash: hash,
        key: "key-\(number)",
        fingerprint: [UInt8](repeating: number, count: 32)
    )
    guard let wish, case .reserved(let work) = try await ledger.reserve(wish) else { return }
    let grant = try await ledger.debit(paymentHash: hash, amount: amount, route: "probe")
    print("step")
    switch Int.random(in: 0..<4) {
    case 0: break
    case 1:
        _ = try await ledger.release(grant)
        await ledger.abandon(work)
    default:
        do {
            try await ledger.settle(grant, for: work, answer: StoredAnswer(status: 200, headers: [:], body: [number]))
        } catch LedgerError.expired {
            // Another request has taken the key over; the hold goes back.
        }
    }
}

try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
        group.addTask {
            while CommandLine.arguments.count > 4 {
                try await request()
                // There must be steps to be killed at even when every key has its answer.
                print("step")
            }
            while true {
                _ = try await ledger.debit(paymentHash: hash, amount: amount, route: "probe")
                print("held")
            }
        }
    }
    try await group.waitForAll()
}
