// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto

/// One numbered step of the schema.
public struct Migration: Sendable, Hashable {
    /// The number in the file's name.
    public let id: Int32

    /// The rest of the file's name.
    public let name: String

    /// Statements that run as one transaction.
    public let sql: String

    /// Describes a step.
    public init(id: Int32, name: String, sql: String) {
        self.id = id
        self.name = name
        self.sql = sql
    }

    /// SHA-256 of the text in hexadecimal: a step that was applied may not change any more.
    public var checksum: String { Hex.encode(Array(SHA256.hash(data: Array(sql.utf8)))) }

    /// The steps of this build, in order: the files of `migrations/`.
    public static var all: [Migration] { embeddedMigrations }

    /// The steps of the signer's own schema, in order: the files of `migrations/signer/`.
    public static var signer: [Migration] { embeddedSignerMigrations }

    /// The steps of the key share node's tables, in order: the files of `migrations/keyshare/`.
    public static var keyshare: [Migration] { embeddedKeyshareMigrations }
}
