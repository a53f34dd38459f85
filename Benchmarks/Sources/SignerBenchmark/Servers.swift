// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import Hummingbird
import Logging
import Migrations
import NIOCore
import PasswordHashing
import Pomade
import Postgres
import SealedRecords
import ServerProcesses
import ServiceLifecycle
import Signer
import SignerServer
import UnixSignals

/// The signer under test: the product's server, sessions and store.
enum SignerProcess {
    /// What clients sign as the signer's URL; the port does not matter to it.
    static let url = "http://signer.example"

    static func run(directory: String) async throws {
        Child.endWithParent()
        var logger = Logger(label: "signer")
        logger.logLevel = .error
        let quiet = logger
        let database = EmbeddedPostgres(
            configuration: .init(directory: "\(directory)/db", durable: true),
            logger: quiet
        )
        let text = try await database.start()
        var postgres = PostgresConfiguration(connectionString: text)
        postgres.connections = 2
        postgres.sessionLimit = 16
        postgres.plansOnce = true
        let client = PostgresClient(postgres, logger: quiet)
        try await client.waitUntilReady(timeout: .seconds(30))
        try await Migrator.signer(client: client, logger: quiet).migrate()
        var configuration = SignerConfiguration(url: url)
        configuration.registrationWork = 0
        let clock: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        let service = SignerService(
            configuration: configuration,
            keys: try await SignerKeys.open(
                client,
                secret: RecordKeys(secret: String(repeating: "5a", count: 32)),
                previous: nil
            ),
            client: client,
            hashing: Hashing(queue: HashingQueue(.pomade)),
            post: NoPost(),
            clock: clock,
            logger: quiet
        )
        var server = SignerServerConfiguration()
        server.port = 0
        server.limitsAddresses = false
        let challenges = ChallengeDesk(service)
        let site = SignerSite(
            service: service,
            challenges: challenges,
            configuration: server,
            clock: clock,
            logger: quiet
        )
        let listener = SignerListener(site: site, configuration: server, logger: quiet) { port in
            Child.announce(port, at: "\(directory)/signer")
        }
        let group = ServiceGroup(
            services: [database, client, challenges, SignerSweep(service), listener],
            gracefulShutdownSignals: [.sigterm],
            logger: quiet
        )
        try await group.run()
    }

    private struct NoPost: SignerPost {
        func send(_ notice: SignerNotice, to address: String) {}
    }

    private struct Hashing: EmailHashing {
        let queue: HashingQueue

        func hash(_ text: [UInt8], salt: String) async throws(SignerFailure) -> Hex32 {
            do throws(HashingError) {
                if let hash = Hex32(try await queue.hash(text, salt: Array(salt.utf8))) { return hash }
            } catch {}
            throw SignerFailure(.busy, "Try again.")
        }
    }
}

/// A server that gives every body back.
enum EchoProcess {
    static func run(directory: String) async throws {
        Child.endWithParent()
        let router = Router()
        router.post("/**") { request, _ -> Response in
            Response(status: .ok, body: .init(byteBuffer: try await request.body.collect(upTo: 1 << 16)))
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
