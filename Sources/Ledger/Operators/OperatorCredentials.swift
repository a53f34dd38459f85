// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import ByteCoding
internal import Crypto
internal import FoundationEssentials
public import Logging
internal import Metrics
public import Postgres
public import ServiceLifecycle
internal import Synchronization

/// The named credentials of operators, in memory, kept up to date by the database's notifications; uses are counted.
///
/// Only the SHA-256 of a secret is stored. A look-up by that hash takes a time that tells nothing about the secret.
public final class OperatorCredentials: Service, Sendable {
    /// Why a credential is not made.
    public enum Problem: Error, Hashable, Sendable, CustomStringConvertible {
        case nameTaken
        case invalidName
        case invalidLifetime

        public var description: String {
            switch self {
            case .nameTaken: "There is a credential of that name already; names are never used again."
            case .invalidName: "A name has 1 to 64 of a-z 0-9 . _ - and begins with a letter or digit."
            case .invalidLifetime: "A credential lives for 60 seconds to 5 years."
            }
        }
    }

    private struct State {
        var byHash: [[UInt8]: OperatorCredential] = [:]
        var uses: [String: Int64] = [:]
    }

    private let client: PostgresClient
    private let logger: Logger
    private let state = Mutex(State())

    public init(client: PostgresClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// Finds the credential of a secret, if it is of that kind and in force, and counts the use.
    func admit(_ secret: String, as kind: OperatorCredential.Kind, now: Date = Date()) -> OperatorIdentity? {
        let hash = Array(SHA256.hash(data: Array(secret.utf8)))
        return state.withLock { state in
            guard let found = state.byHash[hash], found.kind == kind, found.revokedAt == nil, found.expiresAt > now
            else { return nil }
            state.uses[found.name, default: 0] += 1
            return OperatorIdentity(name: found.name, scopes: found.scopes)
        }
    }

    /// Follows the table until graceful shutdown and reports uses every few seconds.
    public func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { [self] in
                    for await _ in client.listen(OperatorStatements.channel) { await loadLogging() }
                }
                group.addTask { [self] in
                    while !Task.isCancelled {
                        try? await Task.sleep(for: .seconds(5))
                        await reportUses()
                    }
                }
                await group.next()
                group.cancelAll()
            }
        }
        // Uses since the last report; the task is not cancelled here.
        await reportUses()
    }

    private func loadLogging() async {
        do {
            try await load()
        } catch {
            logger.error("the operators' credentials could not be read", metadata: ["db.error": "\(error)"])
        }
    }

    /// Reads the table now.
    public func load() async throws(PostgresError) {
        var byHash: [[UInt8]: OperatorCredential] = [:]
        for row in try await client.query(OperatorStatements.all) {
            byHash[try row.bytea(9)] = try OperatorCredential(row)
        }
        state.withLock { $0.byHash = byHash }
    }

    /// Every credential, by name.
    public func list() async throws(PostgresError) -> [OperatorCredential] {
        var list: [OperatorCredential] = []
        for row in try await client.query(OperatorStatements.all) { list.append(try OperatorCredential(row)) }
        return list
    }

    /// Makes a credential and returns its secret, 64 hexadecimal digits, which is never shown again.
    ///
    /// - Throws: ``Problem``, or what the database says.
    public func create(
        name: String,
        kind: OperatorCredential.Kind,
        scopes: Set<OperatorScope>,
        lifetime: Duration,
        by creator: String
    ) async throws -> String {
        guard OperatorCredential.isName(name) else { throw Problem.invalidName }
        guard (.seconds(60) ... .seconds(5 * 366 * 86_400)).contains(lifetime) else { throw Problem.invalidLifetime }
        var generator = SystemRandomNumberGenerator()
        let secret = Hex.encode((0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let count = try await client.execute(
            OperatorStatements.insert,
            [
                .text(name), .text(kind.rawValue), .textArray(scopes.map(\.rawValue).sorted()),
                .bytea(Array(SHA256.hash(data: Array(secret.utf8)))), .text(creator),
                .int8(Int64(lifetime / .milliseconds(1))),
            ]
        )
        guard count == 1 else { throw Problem.nameTaken }
        try await load()
        return secret
    }

    /// Revokes a credential.
    ///
    /// - Returns: false when there is none of that name in force.
    public func revoke(name: String) async throws(PostgresError) -> Bool {
        let isRevoked = try await client.execute(OperatorStatements.revoke, [.text(name)]) == 1
        try await load()
        return isRevoked
    }

    /// Writes down what an operator has done.
    public func note(_ action: String, on subject: String, by actor: String, detail: String = "") async {
        logger.notice(
            "operator action",
            metadata: ["operator.name": "\(actor)", "operator.action": "\(action)", "operator.subject": "\(subject)"]
        )
        let values: [PostgresValue] = [.text(actor), .text(action), .text(subject), .text(detail)]
        do {
            _ = try await client.execute(OperatorStatements.note, values)
        } catch {
            logger.error("an operator's action could not be written down", metadata: ["db.error": "\(error)"])
        }
    }

    private func reportUses() async {
        let uses = state.withLock { state in
            defer { state.uses = [:] }
            return state.uses
        }
        guard !uses.isEmpty else { return }
        do {
            let names = uses.keys.sorted()
            _ = try await client.execute(
                OperatorStatements.count,
                [.textArray(names), .int8Array(names.map { uses[$0] ?? 0 })]
            )
        } catch {
            // Not lost: they are reported with the next ones.
            state.withLock { $0.uses.merge(uses, uniquingKeysWith: +) }
        }
    }
}

private enum OperatorStatements {
    static let channel = "assay_operators"

    static let all = Statement(
        "operators.all",
        """
        SELECT name, kind, scopes, created_by, created_at, expires_at, revoked_at, uses, last_used_at, secret_hash
          FROM operator_credentials ORDER BY name
        """
    )

    static let insert = Statement(
        "operators.insert",
        """
        INSERT INTO operator_credentials (name, kind, scopes, secret_hash, created_by, expires_at)
        VALUES ($1, $2, $3::text[], $4, $5, now() + $6::bigint * interval '1 millisecond')
        ON CONFLICT (name) DO NOTHING
        """
    )

    static let revoke = Statement(
        "operators.revoke",
        "UPDATE operator_credentials SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL"
    )

    static let count = Statement(
        "operators.count",
        """
        UPDATE operator_credentials o SET uses = o.uses + w.uses, last_used_at = now()
          FROM unnest($1::text[], $2::bigint[]) AS w (name, uses) WHERE o.name = w.name
        """
    )

    static let note = Statement(
        "operators.note",
        "INSERT INTO admin_actions (actor, action, subject, detail) VALUES ($1, $2, $3, $4)"
    )
}
