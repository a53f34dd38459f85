// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres

/// The database role of a running signer: it may use the signer's schema, add to its audit, and nothing else.
public struct SignerRole: Sendable {
    /// Why a role cannot be had.
    public struct Refusal: Error, CustomStringConvertible {
        public let description: String
    }

    public let name: String

    /// - Throws: ``Refusal`` for a name that is not of lower-case letters, digits and underscores.
    public init(_ name: String) throws(Refusal) {
        guard (1...63).contains(name.utf8.count), let first = name.utf8.first, !(0x30...0x39).contains(first),
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F })
        else {
            throw Refusal(description: "a role's name has lower-case letters, digits and underscores: \(name)")
        }
        self.name = name
    }

    /// What makes the role.
    public var creation: String { "CREATE ROLE \(name) LOGIN" }

    /// What the role may do.
    public var grants: String {
        """
        REVOKE ALL ON SCHEMA signer FROM PUBLIC;
        GRANT USAGE ON SCHEMA signer TO \(name);
        GRANT SELECT, INSERT, UPDATE, DELETE ON signer.shares, signer.sessions, signer.emails, signer.pending,
            signer.challenges, signer.recovery_requests, signer.confirmations, signer.daily_counts TO \(name);
        GRANT SELECT, INSERT, UPDATE ON signer.keyring, signer.audit_heads TO \(name);
        GRANT SELECT, INSERT ON signer.audit TO \(name);
        GRANT SELECT ON signer.schema_migrations TO \(name);
        """
    }

    /// Makes the role unless it is there, and gives it what it needs.
    ///
    /// - Throws: ``Refusal`` with the statement for an administrator when the connection's role may not make roles.
    public func establish(_ client: PostgresClient) async throws {
        let exists = try await client.query(
            Statement("signer.role", "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"),
            [.text(name)]
        )[0].bool(0)
        try await client.withConnection { session in
            if !exists {
                do throws(PostgresError) { try await session.script(creation) } catch {
                    guard error.sqlState == "42501" else { throw error }
                    throw Refusal(
                        description: """
                            this connection may not make roles; let an administrator run the statement, then come \
                            again:
                              \(creation);
                            """
                    )
                }
            }
            try await session.script(grants)
        }
    }
}
