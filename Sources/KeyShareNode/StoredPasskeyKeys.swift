// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IdentityProviders
public import Postgres

/// The public keys of passkeys as the node's database has them.
public struct StoredPasskeyKeys: PasskeyKeys {
    private let client: PostgresClient

    public init(client: PostgresClient) { self.client = client }

    public func key(of userAuthID: String) async throws(IdentityFailure) -> [UInt8]? {
        do throws(PostgresError) {
            return try await client.query(Self.read, [.text(userAuthID)]).first?.bytea(0)
        } catch {
            throw .unavailable("passkeys cannot be looked up now: try again")
        }
    }

    private static let read = Statement(
        "keyshare.passkey",
        #"SELECT public_key FROM public."2_passkey_keys" WHERE user_auth_id = $1"#
    )
}
