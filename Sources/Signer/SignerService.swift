// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Crypto
public import Logging
internal import Pomade
public import Postgres
public import RequestLimits
internal import SealedRecords
internal import Secp256k1
public import SigningRounds

/// A holder of one share of each of many keys: what it keeps, what it checks and what it answers.
///
/// Every route that changes rows is one serialisable transaction. Signing reads one row, fresh for each request, and
/// writes none. Any number of processes may serve from one database.
public final class SignerService: Sendable {
    public let configuration: SignerConfiguration
    let keys: SignerKeys
    let store: SignerStore
    let live: LiveSessions
    let cache = SessionCache()
    let activity: ActivityLog
    let commits: PendingCommits
    let generations = CeremonyShelf<GenerationState>()
    let repairs = CeremonyShelf<RepairState>()
    let limits: SignerLimits
    let hashing: any EmailHashing
    let post: any SignerPost
    let logger: Logger
    /// Unix seconds.
    let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - clock: Unix seconds.
    ///   - monotonic: seconds that never go back, for limits.
    public init(
        configuration: SignerConfiguration,
        keys: SignerKeys,
        client: PostgresClient,
        hashing: any EmailHashing,
        post: any SignerPost,
        clock: @escaping @Sendable () -> Int64,
        monotonic: @escaping @Sendable () -> Double = { MonotonicSeconds.now() },
        logger: Logger
    ) {
        self.configuration = configuration
        self.keys = keys
        store = SignerStore(client: client, ring: keys.ring)
        live = LiveSessions(client: client)
        activity = ActivityLog(client: client)
        commits = PendingCommits()
        limits = SignerLimits(clock: monotonic)
        self.hashing = hashing
        self.post = post
        now = clock
        self.logger = logger
    }

    /// Nonces that were announced, for metrics.
    public var commitCounts: PendingCommits.Counts { commits.counts }

    /// Whether the database answers within two seconds.
    public func isReady() async -> Bool {
        do { try await store.client.waitUntilReady(timeout: .seconds(2)) } catch { return false }
        return true
    }

    /// Runs a transaction and tells what failed in words for the caller.
    func run<Value: Sendable>(
        _ body: (StoreTransaction) async throws -> Value
    ) async throws(SignerFailure) -> Value {
        do { return try await store.transaction(body) } catch { throw failure(error) }
    }

    /// A failure that says nothing of what went wrong inside; the log does.
    func failure(_ error: any Error) -> SignerFailure {
        if let failure = error as? SignerFailure { return failure }
        logger.error("a request could not be served", metadata: ["error": "\(error)"])
        return SignerFailure(.internalError, "Something went wrong here: try again later.")
    }

    /// When the sweep has to look at a session again.
    func dueAt(_ record: SessionRecord, lastActivity: Int64) -> Int64 {
        configuration.dueAt(record, lastActivity: lastActivity)
    }

    // MARK: What cannot be read back

    /// Binds a password to the address that it belongs to.
    func verifier(emailHash: Hex32, passwordHash: Hex32) -> PasswordVerifier {
        PasswordVerifier(
            keyID: keys.ring.current.id,
            emailHash: emailHash,
            mac: Self.mac(emailHash.bytes + passwordHash.bytes, keys.ring.current.password)
        )
    }

    static func mac(_ bytes: [UInt8], _ key: SymmetricKey) -> Hex32 {
        Hex32(certain: Array(HMAC<SHA256>.authenticationCode(for: bytes, using: key)))
    }
}
