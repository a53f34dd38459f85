// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import IdentityProviders
internal import KeyShareProtocol
public import Logging
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// A key share node: who may have which share, and how shares are kept.
///
/// Any number of processes may serve from one database. Call ``prepare()`` before the first call.
public final class KeyShareService: Service, Sendable {
    public let configuration: KeyShareConfiguration
    let client: PostgresClient
    let store: KeyShareStore
    let trail: AuditTrail
    let identities: IdentityDirectory
    let secrets: ShareSecrets
    let sealer: ShareSealer
    let holder = KeyHolder()
    let door = ServiceDoor()
    let migrationMark = RoundMark()
    let rotationMark = RoundMark()
    let scrubDebt = ScrubDebt()
    let logger: Logger
    /// Unix milliseconds.
    let now: @Sendable () -> Int64
    let pause: @Sendable (Duration) async throws -> Void

    /// - Parameters:
    ///   - clock: Unix milliseconds.
    ///   - pause: waits between two rounds of what runs in the background.
    public init(
        configuration: KeyShareConfiguration,
        client: PostgresClient,
        identities: IdentityDirectory,
        secrets: ShareSecrets,
        clock: @escaping @Sendable () -> Int64 = { UnixClock.milliseconds() },
        pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        logger: Logger
    ) {
        self.configuration = configuration
        self.client = client
        store = KeyShareStore(client: client, logger: logger)
        trail = AuditTrail(client: client, logger: logger)
        self.identities = identities
        self.secrets = secrets
        sealer = ShareSealer(former: secrets.former, writes: configuration.writeFormat)
        now = clock
        self.pause = pause
        self.logger = logger
    }

    /// What a caller is told of an error.
    func failure(_ error: any Error) -> KeyShareFailure {
        switch error {
        case let failure as KeyShareFailure: failure
        case StoreRefusal.failure(let failure): failure
        case StoreRefusal.staleEpoch, StoreRefusal.changed:
            KeyShareFailure(.epochConflict, "others change the same all the time: try again")
        default: store.unexpected(error)
        }
    }

    /// Lets share routes answer 503 while the body runs, which begins when running calls have ended.
    ///
    /// It is about this process; afterwards its keys are read anew, because the database may be another.
    /// - Throws: ``KeyShareNodeError`` when the service is suspended already, and what the body throws.
    public nonisolated(nonsending) func withServiceSuspended<Value>(
        _ body: () async throws -> Value
    ) async throws -> Value {
        guard door.shut() else { throw KeyShareNodeError(.refused, "the node is being restored already") }
        defer { door.unlock() }
        await door.waitUntilEmpty()
        do {
            let value = try await body()
            await readKeys()
            return value
        } catch {
            await readKeys()
            throw error
        }
    }

    /// Does background work as a call does, not while the store is exchanged.
    nonisolated(nonsending) func attended(_ body: () async throws -> Void) async rethrows {
        guard door.enter() else { return }
        defer { door.leave() }
        try await body()
    }
}
