// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a subscriber of `PostgresClient.listen` receives.
public enum PostgresNotification: Sendable, Hashable {
    /// Somebody sent `NOTIFY channel, 'payload'`. At most 8000 bytes (PostgreSQL's limit).
    case notification(payload: String)

    /// The subscription is in place: comes first, and again after every gap in which notifications may have been lost.
    ///
    /// Treat everything as changed.
    case reconnected
}
