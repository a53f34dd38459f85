// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import KeyShareProtocol
public import Postgres
internal import ServiceLifecycle

extension KeyShareService {
    /// Answers a call of versions 1 to 3 with the bytes of its success envelope.
    ///
    /// - Throws: what the envelope of the refusal has to say.
    public func answer(_ route: KeyShareRoute, _ call: KeyShareCall) async throws(KeyShareFailure) -> [UInt8] {
        throw KeyShareFailure(.unknownError, "not served yet")
    }

    /// Brings the database to this build's tables, checks the secrets, and makes the node's key if there is none.
    public func prepare() async throws(KeyShareNodeError) {}

    /// Looks after what passes until graceful shutdown.
    public func run() async throws { try? await gracefulShutdown() }

    /// What the store says of itself; never fails.
    public func status() async -> KeyShareStatus {
        KeyShareStatus(isDatabaseConnected: false, isSealed: isSealed, isServing: false)
    }

    /// All keys that the node had, the newest first.
    public func publicKeys() async throws(KeyShareFailure) -> [NodePublicKey] { [] }

    /// Signs bytes with the node's key, 64 bytes; `nil` while it is sealed.
    public func signature(of bytes: [UInt8]) -> [UInt8]? { nil }

    /// Whether the node waits for pieces of its root secret.
    public var isSealed: Bool { false }

    /// Takes a piece of the root secret.
    public func unseal(_ line: String) async throws(KeyShareFailure) -> UnsealProgress {
        UnsealProgress(given: 0, needed: 0, isSealed: false)
    }

    /// Forgets the root secret and all keys.
    public func seal() async throws(KeyShareFailure) {}

    /// Wraps all data keys anew under a new key-encryption key.
    public func rotateKeyEncryptionKey(
        progress: @Sendable (KeyRotationProgress) -> Void = { _ in }
    ) async throws(KeyShareNodeError) -> KeyRotationProgress { KeyRotationProgress(epoch: 1) }

    /// Makes the node a new key, signed by the one before.
    public func rotateKeypair() async throws(KeyShareNodeError) -> NodePublicKey {
        throw KeyShareNodeError(.refused, "not served yet")
    }

    /// Adds an entry to the audit; a failure is logged.
    public func audit(_ action: AuditAction, subject: String?, outcome: String) async {}

    /// Follows the audit's chain from its first entry to its end.
    public func auditVerification() async throws(KeyShareNodeError) -> AuditVerification { AuditVerification() }

    /// Entries of the audit after a number, at most 1000.
    public func auditEntries(after seq: Int64, limit: Int) async throws(KeyShareNodeError) -> [AuditRecord] { [] }

    /// Lets share routes answer 503 while the body runs, which begins when running calls have ended.
    public nonisolated(nonsending) func withServiceSuspended<Value>(
        _ body: () async throws -> Value
    ) async throws -> Value { try await body() }

    /// Checks another database with this node's secrets.
    public func check(database: PostgresClient, sample: Int) async throws(KeyShareNodeError) -> DatabaseCheck {
        DatabaseCheck(expectedVersion: 0)
    }
}

extension KeyShareStatus {
    init(isDatabaseConnected: Bool, isSealed: Bool, isServing: Bool) {
        self.isDatabaseConnected = isDatabaseConnected
        self.isSealed = isSealed
        self.isServing = isServing
    }
}
