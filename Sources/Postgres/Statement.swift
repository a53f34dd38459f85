// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// A SQL statement with the name under which every connection prepares it once.
///
/// Declare statements as constants, so that one name always means one text. The name is also the `statement` label
/// of the metrics, hence a closed set of short words such as `ledger.debit`.
public struct Statement: Sendable, Hashable {
    /// At most 50 bytes: PostgreSQL cuts identifiers at 63, and the client appends a number.
    public let name: String

    /// One SQL statement, its parameters written as `$1` and so on.
    public let sql: String

    /// Names a statement.
    /// - Precondition: the name has 1 to 50 bytes.
    public init(_ name: String, _ sql: String) {
        precondition((1...50).contains(name.utf8.count), "a statement's name has 1 to 50 bytes")
        self.name = name
        self.sql = sql
    }
}
