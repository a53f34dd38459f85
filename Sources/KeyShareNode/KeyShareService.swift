// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IdentityProviders
public import Logging
public import Postgres
public import ServiceLifecycle

/// A key share node: who may have which share, and how shares are kept.
///
/// Any number of processes may serve from one database.
public final class KeyShareService: Service, Sendable {
    public let configuration: KeyShareConfiguration
    let client: PostgresClient
    let identities: IdentityDirectory
    let secrets: ShareSecrets
    let logger: Logger
    /// Unix milliseconds.
    let now: @Sendable () -> Int64

    /// - Parameter clock: Unix milliseconds.
    public init(
        configuration: KeyShareConfiguration,
        client: PostgresClient,
        identities: IdentityDirectory,
        secrets: ShareSecrets,
        clock: @escaping @Sendable () -> Int64 = { UnixClock.milliseconds() },
        logger: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.identities = identities
        self.secrets = secrets
        now = clock
        self.logger = logger
    }
}
