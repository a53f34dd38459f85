// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import BackupContainers
import ByteCoding
import Foundation
import IdentityProviders
import KeyShareNode
import KeyShareProtocol
import KeyShares
import Logging
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Subprocess
import Synchronization

@testable import KeyShareBackups

/// A key share node with a database and a folder of backups of its own.
struct Bench: Sendable {
    let database: BackupDatabase
    let client: PostgresClient
    let folder: String
    let clock: Clock
    var root: RootSecret
    var former: String?

    /// A clock that tests move.
    final class Clock: Sendable {
        private let moment = Mutex(Date(timeIntervalSince1970: 1_795_000_000))

        var now: Date { moment.withLock { $0 } }

        func advance(hours: Double) { moment.withLock { $0 = $0.addingTimeInterval(hours * 3600) } }
    }

    static let rootBytes = [UInt8](repeating: 0x5A, count: 32)

    static func with(
        shares: Int = 25,
        former: String? = nil,
        connections: Int = 2,
        _ body: @escaping @Sendable (Bench) async throws -> Void
    ) async throws {
        let url = try await TestDatabase.keyshare()
        let folder = "/tmp/assay-backups-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await TestDatabase.withClient(of: url, connections: connections) { client in
            let bench = Bench(
                database: Self.database(url),
                client: client,
                folder: folder,
                clock: Clock(),
                root: try RootSecret(file: rootBytes),
                former: former
            )
            try await bench.service().prepare()
            try await bench.fill(shares)
            try await body(bench)
        }
    }

    /// `host='...' user=assay dbname=...`.
    private static func database(_ url: String) -> BackupDatabase {
        var values: [String: String] = [:]
        for part in url.split(separator: " ") {
            let sides = part.split(separator: "=", maxSplits: 1)
            values[String(sides[0])] = sides[1].trimmingCharacters(in: .init(charactersIn: "'"))
        }
        return BackupDatabase(host: values["host"] ?? "", user: values["user"] ?? "", name: values["dbname"] ?? "")
    }

    func service(_ client: PostgresClient? = nil) throws -> KeyShareService {
        KeyShareService(
            configuration: KeyShareConfiguration(),
            client: client ?? self.client,
            identities: IdentityDirectory([:]),
            secrets: try ShareSecrets(root: root, encryptionSecret: former.map { Array($0.utf8) }),
            logger: TestDatabase.silentLogger
        )
    }

    func backups(
        _ service: KeyShareService? = nil,
        change: (inout BackupConfiguration) -> Void = { _ in },
        observe: @escaping @Sendable (BackupStage) async -> Void = { _ in }
    ) async throws -> BackupService {
        var configuration = BackupConfiguration(directory: folder)
        configuration.node = "test-node"
        configuration.patience = .zero
        change(&configuration)
        let own: KeyShareService
        if let service {
            own = service
        } else {
            own = try self.service()
            try await own.prepare()
        }
        let (root, clock) = (root, clock)
        return BackupService(
            configuration: configuration,
            database: database,
            client: client,
            service: own,
            keys: BackupKeySource { BackupKey(root: root) },
            now: { clock.now },
            observe: observe,
            logger: TestDatabase.silentLogger
        )
    }

    /// Adds users with a wallet and a sealed share each.
    func fill(_ count: Int, user: String = "user") async throws {
        let ring = try EnvelopeKeyRing(root: root, current: 1)
        // The base point, which all wallets may have here: a key is unique for its user.
        let point = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        let key = Hex.decode(point) ?? []
        let share = [UInt8](repeating: 0, count: 31) + [3] + [UInt8](repeating: 0, count: 31) + [7]
        var users: [[PostgresValue]] = []
        for start in stride(from: 0, to: count, by: 5000) {
            users.removeAll(keepingCapacity: true)
            var (names, walletIDs, keys, shareIDs, sealed): ([String], [String], [[UInt8]], [String], [[UInt8]]) =
                ([], [], [], [], [])
            for number in start..<min(start + 5000, count) {
                let (walletID, shareID) = (UUID(), UUID())
                let row = EnvelopeRow(shareID: shareID, walletID: walletID, curve: .secp256k1, publicKey: key)
                let envelope = try share.withUnsafeBytes { try ShareEnvelope(sealing: $0, for: row, with: ring) }
                names.append("\(user)-\(number)")
                walletIDs.append(walletID.uuidString)
                keys.append(key)
                shareIDs.append(shareID.uuidString)
                sealed.append(envelope.bytes)
            }
            try await client.execute(
                Statement(
                    "test.fill",
                    """
                    WITH given AS (
                        SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::bytea[])
                            AS g (name, wallet, key, share, sealed)
                    ), users AS (
                        INSERT INTO public."2_users" (auth_type, user_auth_id) SELECT 'test', name FROM given
                        RETURNING user_id, user_auth_id
                    ), wallets AS (
                        INSERT INTO public."2_wallets" (wallet_id, user_id, curve_type, public_key)
                        SELECT wallet::uuid, user_id, 'secp256k1', key FROM given JOIN users ON name = user_auth_id
                    )
                    INSERT INTO public."2_key_shares" (share_id, wallet_id, enc_share, format, kek_epoch)
                    SELECT share::uuid, wallet::uuid, sealed, 2, 1 FROM given
                    """
                ),
                [
                    .textArray(names), .textArray(walletIDs), .byteaArray(keys), .textArray(shareIDs),
                    .byteaArray(sealed),
                ],
                deadline: .seconds(60)
            )
        }
    }

    // MARK: Looking

    func number(_ sql: String) async throws -> Int64 {
        try await client.withConnection { session in
            try await session.query(Statement("test.number", sql)).first?.int8(0) ?? -1
        }
    }

    var users: Int64 {
        get async throws { try await number(#"SELECT count(*) FROM public."2_users""#) }
    }

    /// As many as users: each has one.
    var shares: Int64 {
        get async throws { try await number(#"SELECT count(*) FROM public."2_key_shares""#) }
    }

    func rows(_ state: String) async throws -> Int64 {
        try await number(#"SELECT count(*) FROM public."2_pg_dumps" WHERE status = '\#(state)'"#)
    }

    /// The databases that restores and drills of this one have left.
    func besides() async throws -> [String] {
        let rows = try await client.query(
            Statement("test.besides", "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1"),
            [.text("\(database.name)\\_%")]
        )
        return try rows.map { try $0.text(0) }
    }

    var files: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// Puts a file into the folder.
    func put(_ bytes: [UInt8], as name: String) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }

    func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
    }
}

/// The code of a fault; `nil` when none is thrown.
func fault(_ body: () async throws -> Void) async throws -> BackupFault.Code? {
    do {
        try await body()
        return nil
    } catch let fault as BackupFault { return fault.code }
}
