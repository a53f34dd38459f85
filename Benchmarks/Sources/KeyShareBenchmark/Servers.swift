// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Hummingbird
import IdentityProviders
import KeyShareNode
import KeyShareProtocol
import KeyShareServer
import KeyShares
import Logging
import Migrations
import NIOCore
import Postgres
import ServerProcesses
import ServiceLifecycle
import ShareEnvelopes
import UnixSignals

/// PostgreSQL with every share of the run in it, in a process of its own so that the node's memory is the node's.
enum DatabaseProcess {
    static func run(directory: String) async throws {
        Child.endWithParent()
        var logger = Logger(label: "database")
        logger.logLevel = .error
        let database = EmbeddedPostgres(
            configuration: .init(directory: "\(directory)/db", durable: true),
            logger: logger
        )
        let text = try await database.start()
        try await fill(text, logger)
        let address = URL(fileURLWithPath: "\(directory)/address")
        try Data(text.utf8).write(to: address, options: .atomic)
        Child.announce(1, at: "\(directory)/database")
        try await ServiceGroup(services: [database], gracefulShutdownSignals: [.sigterm], logger: logger).run()
    }

    private static func fill(_ text: String, _ logger: Logger) async throws {
        let client = PostgresClient(PostgresConfiguration(connectionString: text), logger: logger)
        try await client.waitUntilReady(timeout: .seconds(30))
        let service = KeyShareService(
            configuration: .init(),
            client: client,
            identities: .init([:]),
            secrets: try ShareSecrets(root: NodeProcess.root()),
            logger: logger
        )
        try await service.prepare()
        let ring = try EnvelopeKeyRing(root: NodeProcess.root(), current: 1)
        for start in stride(from: 0, to: People.stored, by: 5_000) {
            let people = start..<start + 5_000
            let rows = try people.map { try Row(person: $0, ring) }
            try await client.execute(
                insert,
                [
                    .textArray(people.map { "google_\($0)" }), .textArray(rows.map(\.wallet.uuidString)),
                    .byteaArray(rows.map(\.publicKey)), .textArray(rows.map(\.share.uuidString)),
                    .byteaArray(rows.map(\.sealed)), .byteaArray(rows.map(\.verifyingShare)),
                ]
            )
        }
        try await client.execute(Statement("benchmark.analyze", "ANALYZE"), [])
        await client.shutDown()
    }

    private struct Row {
        let wallet = UUID()
        let share = UUID()
        let publicKey, sealed, verifyingShare: [UInt8]

        init(person: Int, _ ring: EnvelopeKeyRing) throws {
            let (key, share) = try People.wallet(person)
            let row = EnvelopeRow(shareID: self.share, walletID: wallet, curve: .secp256k1, publicKey: key)
            publicKey = key
            verifyingShare = share.verifyingShare
            sealed = try share.bytes.withUnsafeBytes { try ShareEnvelope(sealing: $0, for: row, with: ring).bytes }
        }
    }

    private static let insert = Statement(
        "benchmark.fill",
        #"""
        WITH given AS (
            SELECT * FROM unnest($1::text[], $2::text[]::uuid[], $3::bytea[], $4::text[]::uuid[], $5::bytea[], $6::bytea[])
                AS g (name, wallet_id, public_key, share_id, enc_share, verifying_share)
        ), users AS (
            INSERT INTO public."2_users" (auth_type, user_auth_id) SELECT 'google', name FROM given
            RETURNING user_id, user_auth_id
        ), wallets AS (
            INSERT INTO public."2_wallets" (wallet_id, user_id, curve_type, public_key)
            SELECT wallet_id, user_id, 'secp256k1', public_key FROM given JOIN users ON user_auth_id = name
            RETURNING wallet_id
        )
        INSERT INTO public."2_key_shares" (share_id, wallet_id, enc_share, format, kek_epoch, verifying_share)
        SELECT share_id, wallet_id, enc_share, 2, 1, verifying_share FROM given JOIN wallets USING (wallet_id)
        """#
    )
}

/// The node under test: the product's listener, service and store, and a provider whose tokens it verifies itself.
enum NodeProcess {
    static func root() throws -> RootSecret { try RootSecret(file: [UInt8](repeating: 0x5A, count: 32)) }

    static func run(directory: String) async throws {
        Child.endWithParent()
        var logger = Logger(label: "node")
        logger.logLevel = .error
        let text = try String(contentsOfFile: "\(directory)/address", encoding: .utf8)
        var postgres = PostgresConfiguration(connectionString: text)
        postgres.connections = 4
        postgres.sessionLimit = 16
        postgres.plansOnce = true
        let client = PostgresClient(postgres, logger: logger)
        try await client.waitUntilReady(timeout: .seconds(30))
        var rules = OpenIDProvider.Rules.google(audiences: [People.audience])
        rules.issuers = [People.issuer]
        let keys = KeysInFile(path: "\(directory)/jwks")
        var configuration = KeyShareConfiguration()
        configuration.readsPerHour = 1_000_000
        configuration.writesPerHour = 1_000_000
        let service = KeyShareService(
            configuration: configuration,
            client: client,
            identities: IdentityDirectory(["google": OpenIDProvider(rules, connection: keys)]),
            secrets: try ShareSecrets(root: root()),
            logger: logger
        )
        try await service.prepare()
        var server = KeyShareServerConfiguration()
        server.requestsPerMinute = 1_000_000_000
        let site = KeyShareSite(
            service: service,
            backups: NoBackups(),
            access: AdministratorAccess(password: nil, key: nil),
            configuration: server,
            logger: logger
        )
        let address = KeyShareServerConfiguration.Address(host: "127.0.0.1", port: 0)
        let listener = KeyShareListener(site: site, door: .main, address: address, logger: logger) { port in
            Child.announce(port, at: "\(directory)/node")
        }
        let group = ServiceGroup(
            services: [client, service, listener],
            gracefulShutdownSignals: [.sigterm],
            logger: logger
        )
        try await group.run()
    }

    private struct KeysInFile: ProviderConnection {
        let path: String

        func get(_ url: String, bearer: String?) async throws(IdentityFailure) -> ProviderAnswer {
            guard let keys = FileManager.default.contents(atPath: path) else { throw .unavailable("no keys") }
            return ProviderAnswer(status: 200, body: Array(keys))
        }

        func post(
            _ url: String,
            form: [(name: String, value: String)],
            user: String,
            password: String
        ) async throws(IdentityFailure) -> ProviderAnswer { throw .unavailable("only keys") }
    }
}

/// A server that gives every body back; for `/former` it also opens a row of format 1 first.
enum EchoProcess {
    static func run(directory: String) async throws {
        Child.endWithParent()
        let secret = try OkoSecret(file: Array("a secret of the benchmark".utf8))
        let row = try OkoEnvelope(sealingHexadecimal: [UInt8](repeating: 7, count: 64), with: secret)
        let router = Router()
        router.post("/**") { request, _ -> Response in
            if request.uri.path == "/former" { _ = try row.openHexadecimal(with: secret) }
            return Response(status: .ok, body: .init(byteBuffer: try await request.body.collect(upTo: 1 << 16)))
        }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { Child.announce($0.localAddress?.port ?? 0, at: "\(directory)/echo") },
            logger: Logger(label: "echo") { _ in SwiftLogNoOpLogHandler() }
        )
        try await application.runService()
    }
}
