// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import FoundationEssentials
public import LightningPrimitives
public import Logging
internal import Metrics
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// A token that is not good any more.
public struct Revocation: Sendable, Hashable {
    /// What the 32 bytes name.
    public enum Kind: String, Sendable {
        case token
        case payment
    }

    public let kind: Kind
    /// The token id, or the payment hash of all tokens that are revoked.
    public let subject: [UInt8]
    public let reason: String
    /// Who revoked it.
    public let revokedBy: String
    public let revokedAt: Date
}

/// The revoked tokens, in memory, kept up to date by the database's notifications.
///
/// A process that has not read the table yet admits nobody: see ``isLoaded``.
public final class Revocations: Service, Sendable {
    private static let channel = "assay_revocations"
    private static let all = Statement(
        "revocations.all",
        "SELECT kind, subject, reason, revoked_by, revoked_at FROM revocations ORDER BY revoked_at DESC, subject"
    )
    private static let insert = Statement(
        "revocations.insert",
        """
        INSERT INTO revocations (subject, kind, reason, revoked_by) VALUES ($1, $2, $3, $4)
        ON CONFLICT (subject) DO NOTHING
        """
    )
    private static let delete = Statement("revocations.delete", "DELETE FROM revocations WHERE subject = $1")

    private let client: PostgresClient
    private let logger: Logger
    private let subjects = Mutex<Set<[UInt8]>?>(nil)

    public init(client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Whether the table has been read.
    public var isLoaded: Bool { subjects.withLock { $0 != nil } }

    /// Whether a token id or a payment hash is revoked; everything is until the table has been read.
    public func contains(tokenID: [UInt8], paymentHash: PaymentHash) -> Bool {
        subjects.withLock { subjects in
            guard let subjects else { return true }
            return !subjects.isEmpty && (subjects.contains(tokenID) || subjects.contains(paymentHash.bytes))
        }
    }

    /// Follows the table until graceful shutdown.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await loadUntilDone()
            for await _ in client.listen(Self.channel) { await loadUntilDone() }
        }
    }

    /// Reads the table now.
    public func load() async throws(PostgresError) {
        let rows = try await client.query(Self.all)
        var found: Set<[UInt8]> = []
        for row in rows { found.insert(try row.bytea(1)) }
        subjects.withLock { $0 = found }
        Gauge(label: "l402_revocations").record(found.count)
    }

    /// Every revocation, the latest first.
    public func list() async throws(PostgresError) -> [Revocation] {
        var list: [Revocation] = []
        for row in try await client.query(Self.all) {
            list.append(
                Revocation(
                    kind: Revocation.Kind(rawValue: try row.text(0)) ?? .token,
                    subject: try row.bytea(1),
                    reason: try row.text(2),
                    revokedBy: try row.text(3),
                    revokedAt: try row.date(4)
                )
            )
        }
        return list
    }

    /// Revokes a token, or all tokens of a payment.
    ///
    /// - Returns: false when it was revoked already.
    @discardableResult
    public func revoke(
        _ kind: Revocation.Kind,
        _ subject: [UInt8],
        reason: String,
        by operatorName: String
    ) async throws(PostgresError) -> Bool {
        let values: [PostgresValue] = [.bytea(subject), .text(kind.rawValue), .text(reason), .text(operatorName)]
        let isNew = try await client.execute(Self.insert, values) == 1
        subjects.withLock { _ = $0?.insert(subject) }
        return isNew
    }

    /// Takes a revocation back.
    ///
    /// - Returns: false when there was none.
    @discardableResult
    public func restore(_ subject: [UInt8]) async throws(PostgresError) -> Bool {
        let isGone = try await client.execute(Self.delete, [.bytea(subject)]) == 1
        subjects.withLock { _ = $0?.remove(subject) }
        return isGone
    }

    private func loadUntilDone() async {
        while !Task.isCancelled {
            do {
                return try await load()
            } catch {
                logger.error("the revocations could not be read", metadata: ["db.error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}
