// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Postgres
public import ShareEnvelopes

extension KeyShareService {
    /// The root secret, from which the key of backups comes; `nil` while the node is sealed.
    public var rootSecret: RootSecret? { holder.keys?.root }

    /// Brings another database to where this node could serve from it, as a start does: its tables, the root secret that
    /// it was written with, an epoch, and the node's key.
    ///
    /// - Throws: what ``prepare()`` throws; then this node cannot serve from it.
    public func adopt(_ database: PostgresClient) async throws(KeyShareNodeError) {
        let other = KeyShareService(
            configuration: configuration,
            client: database,
            identities: identities,
            secrets: secrets,
            clock: now,
            logger: logger
        )
        try await other.prepare(isServing: false)
    }
}
