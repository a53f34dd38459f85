// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Ledger
import Postgres
import PostgresTestSupport
import Testing

@Suite("Free allowances")
struct FreeAllowancesTests {
    private func with(_ body: @Sendable (String, PostgresClient) async throws -> Void) async throws {
        let url = try await TestDatabase.migrated()
        try await TestDatabase.withClient(PostgresConfiguration(connectionString: url)) { try await body(url, $0) }
    }

    private func allowances(_ client: PostgresClient) -> FreeAllowances {
        FreeAllowances(client: client, logger: TestDatabase.silentLogger)
    }

    @Test("of racing requests exactly as many are free as the limit says, over all processes")
    func racing() async throws {
        try await with { _, client in
            let (one, two) = (allowances(client), allowances(client))
            let taken = await withTaskGroup(of: Bool.self) { group in
                for index in 0..<40 {
                    group.addTask {
                        let own = index % 2 == 0 ? one : two
                        return await own.take(account: "a", network: "n/24", limit: 7, day: "2026-11-21") != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 7)
            // A new process finds the counts of the old one.
            let later = allowances(client)
            #expect(await later.take(account: "a", network: "n/24", limit: 7, day: "2026-11-21") == nil)
        }
    }

    @Test("days, accounts and networks are counted apart, and what is given back can be used again")
    func apart() async throws {
        try await with { _, client in
            let own = allowances(client)
            let first = await own.take(account: "a", network: "n", limit: 1, day: "2026-11-21")
            #expect(first?.used == 1)
            #expect(await own.take(account: "a", network: "n", limit: 1, day: "2026-11-21") == nil)
            #expect(await own.take(account: "b", network: "n", limit: 1, day: "2026-11-21") != nil)
            #expect(await own.take(account: "a", network: "m", limit: 1, day: "2026-11-21") != nil)
            #expect(await own.take(account: "a", network: "n", limit: 1, day: "2026-11-22") != nil)
            await own.giveBack(try #require(first))
            #expect(await own.take(account: "a", network: "n", limit: 1, day: "2026-11-21") != nil)
            #expect(await own.take(account: "a", network: "n", limit: 1, day: "2026-11-21") == nil)
        }
    }

    @Test("counts older than two days are removed, newer ones stay")
    func sweeping() async throws {
        try await with { _, client in
            let own = allowances(client)
            _ = await own.take(account: "a", network: "n", limit: 1, day: "2020-01-01")
            _ = await own.take(account: "a", network: "n", limit: 1, day: "9999-01-01")
            #expect(await own.sweep() == 1)
            #expect(await own.sweep() == 0)
        }
    }

    @Test("without a database a request has to be paid for")
    func failsClosed() async throws {
        try await with { _, client in
            await client.shutDown()
            #expect(await allowances(client).take(account: "a", network: "n", limit: 1, day: "2026-11-21") == nil)
        }
    }
}
