// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import PostgresTestSupport

@testable import Postgres

extension PostgresClient {
    /// Waits until as many statements of this database sleep, asking through a session: the pipeline may be blocked.
    func waitUntilSleeping(_ count: Int64 = 1) async throws {
        let sleeping = Statement(
            "sleeping",
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE wait_event = 'PgSleep' AND datname = current_database() AND pid <> pg_backend_pid()
            """
        )
        try await withConnection { session in
            while try await session.query(sleeping)[0].int8(0) != count {}
        }
    }
}
