// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
internal import Postgres

/// A credential of an operator, as it is listed; the secret itself is shown once, when it is made.
public struct OperatorCredential: Sendable, Hashable {
    /// What it is good for.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Paid routes without paying, such as for CI.
        case bypass
        /// The admin routes of its scopes.
        case admin
    }

    public let name: String
    public let kind: Kind
    public let scopes: Set<OperatorScope>
    public let createdBy: String
    public let createdAt: Date
    public let expiresAt: Date
    public let revokedAt: Date?
    /// How often it was used, as far as the processes have reported.
    public let uses: Int64
    public let lastUsedAt: Date?

    init(_ row: Row) throws(PostgresError) {
        name = try row.text(0)
        kind = Kind(rawValue: try row.text(1)) ?? .bypass
        scopes = Set(try row.textArray(2).compactMap(OperatorScope.init(rawValue:)))
        createdBy = try row.text(3)
        createdAt = try row.date(4)
        expiresAt = try row.date(5)
        revokedAt = try row.optionalDate(6)
        uses = try row.int8(7)
        lastUsedAt = try row.optionalDate(8)
    }

    /// Whether a text may be a name: letters, digits, dots, dashes and underscores, at most 64.
    public static func isName(_ text: String) -> Bool {
        guard (1...64).contains(text.utf8.count), let first = text.utf8.first, first != 0x2D, first != 0x2E,
            first != 0x5F
        else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x61...0x7A, 0x30...0x39, 0x2D, 0x2E, 0x5F: true
            default: false
            }
        }
    }
}
