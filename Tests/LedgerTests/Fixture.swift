// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import LightningPrimitives
import Postgres
import PostgresTestSupport

@testable import Ledger

/// A ledger over a database of its own.
struct Fixture: Sendable {
    let url: String
    let client: PostgresClient
    let ledger: Ledger

    static func with(
        holdLifetime: Duration = .seconds(90),
        _ body: @Sendable (Fixture) async throws -> Void
    ) async throws {
        let url = try await TestDatabase.migrated()
        try await TestDatabase.withClient(Ledger.clientConfiguration(connectionString: url)) { client in
            let ledger = Ledger(
                client: client,
                configuration: LedgerConfiguration(holdLifetime: holdLifetime),
                logger: TestDatabase.silentLogger
            )
            try await body(Fixture(url: url, client: client, ledger: ledger))
        }
    }

    /// A payment of so many msat.
    static func payment(_ msat: Int64, expiresAt: Date? = nil, purpose: String = "call") -> SettledPayment {
        SettledPayment(
            paymentHash: Preimage.random().paymentHash,
            tokenID: [UInt8](repeating: 7, count: 32),
            service: "oracle",
            tier: 0,
            purpose: purpose,
            paid: MilliSatoshi(msat: msat),
            expiresAt: expiresAt
        )
    }

    /// A number that a statement without parameters answers.
    func number(_ sql: String) async throws -> Int64 {
        try await client.withConnection { session in try await session.query(Statement("number", sql))[0].int8(0) }
    }
}

extension MilliSatoshi {
    static func msat(_ msat: Int64) -> MilliSatoshi { MilliSatoshi(msat: msat) }
}
