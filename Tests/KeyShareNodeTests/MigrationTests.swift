// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Migrations
import Postgres
import PostgresTestSupport
import Testing

@testable import KeyShareNode

@Suite struct MigrationTests {
    @Test func `an empty database is given all tables`() async throws {
        try await TestDatabase.withClient(of: TestDatabase.keyshare()) { client in
            let rows = try await client.query(
                Statement("t.tables", "SELECT count(*) FROM pg_tables WHERE tablename LIKE '2\\_%'")
            )
            #expect(try rows[0].int8(0) >= 7)
        }
    }
}
