// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Postgres
import Testing

extension PostgresClient {
    /// The single number that a query returns.
    func number(_ sql: String) async throws -> Int64 {
        try #require(await query(Statement("number.\(sql.hashValue)", sql)).first).int8(0)
    }
}
