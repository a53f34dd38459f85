// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Gate
import Gateway
import IPAddresses
import L402
import LND
import Ledger
import LightningPrimitives
import Logging
import Migrations
import Oracle
import Postgres
import PurchaseReceipts
import ServiceLifecycle
import Settings
import WatchedFiles

/// Serves the API.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve the HTTP API and its L402 gate.",
        discussion: """
            Needs LND_REST_URL, LND_TLS_CERT_PATH, LND_INVOICE_MACAROON_PATH and L402_MACAROON_SECRET (or a key ring in \
            ASSAY_L402_KEY_RING_FILE), each also as NAME_FILE where it is a secret. Without DATABASE_URL a private \
            PostgreSQL cluster is started. Any number of processes may serve from one database.
            """
    )

    @Option(help: .hidden)
    var parent: Int32?

    func run() async throws {
        let settings = try Settings.load()
        let logger = Logs.start("assay.serve", level: Logs.level(settings))
        let registry = MetricsSetup.start(settings)
        // Everything that can be wrong with the configuration is found before anything is started.
        let modules = try Self.modules(settings)
        let keyRing = try KeyRing.configured(settings)
        let lnd = try LNDClient.configured(settings, macaroon: .invoiceMacaroon, logger: logger)
        let clock = try ClockWiring.watch(settings, logger: logger)
        var gateway = try GatewayConfiguration(settings)
        let database = try await Database.open(settings, logger: logger)
        let client = try await database.client(
            application: "assay-serve",
            connections: settings.integer(.databaseConnections) ?? 8,
            settings: settings,
            logger: logger
        )
        _ = try await Database.migrate(client, logger: logger)

        // The ledger waits for row locks; on connections of its own it keeps nobody else waiting.
        let money = try await database.client(
            Ledger.clientConfiguration(connectionString: database.connectionString),
            settings: settings,
            logger: logger
        )
        let readiness = NodeReadiness(lnd: lnd, logger: logger)
        let till = try await Till(
            settings,
            keyRing: keyRing,
            lnd: lnd,
            readiness: readiness,
            clock: clock?.asGuard ?? .off,
            money,
            logger: logger
        )
        let oracle = TrustOracle(
            client: client,
            spacing: .milliseconds(settings.integer(.scoreSpacing) ?? 2000),
            logger: logger
        )
        let monitor = HealthMonitor(
            client: client,
            migrator: Migrator(client: client, logger: logger),
            oracle: oracle,
            readiness: readiness,
            isBypassEnabled: till.operators.isBypassEnabled,
            version: BuildInfo.current.version,
            commit: BuildInfo.current.commit
        )
        let metrics = MetricsSetup.access(settings, operators: till.operators)
        let probes = try ProbeSales(settings, client, ledger: till.ledger, logger: logger)
        let time = modules.contains("roughtime") ? try RoughtimeWiring.desk(settings, client) : nil
        let stamps =
            modules.contains("roughtime")
            ? try StampWiring(
                settings,
                client,
                oracle: modules.contains("oracle") ? oracle : nil,
                logger: logger
            ) : nil
        let own =
            Self.routes(oracle, monitor, settings, modules: modules) + probes.routes
            + (time.map(APIRoute.time) ?? []) + (stamps.map { APIRoute.stamps($0.desk) } ?? [])
        let key = try SigningKeys.receipts(settings, logger: logger)
        let signer = key.map { ReceiptSigner($0) }
        gateway.receiptSigner = signer
        let blocked = try await Self.watchBlockList(settings, gateway.blockList, logger: logger)
        if let blocked { till.reload.add { await blocked.reload() } }
        let keyShare =
            modules.contains("keyshare")
            ? try await MountedKeyShare(registry: registry, gateway: gateway, logger: logger) : nil
        let watch = try await KeyShareWatchWiring(settings, client, gateway: gateway, logger: logger)
        let sold = APIRoute.sold(own + (keyShare?.routes ?? []))
        let table = till.proxied.table
        let routes =
            own + (keyShare?.routes ?? []) + till.routes
            + APIRoute.discovery(try DiscoveryFacts(settings, signer: signer), sold: { sold + table.sold })
            + [.metrics(registry, access: metrics)]
        let signing =
            modules.contains("signer")
            ? try await MountedSigner(settings, registry: registry, gateway: gateway, logger: logger) : nil
        let server = GatewayServer(
            configuration: gateway,
            routes: routes,
            gate: till.gate,
            services: till.proxied.proxied,
            // The watch has one path below the node's.
            sites: (signing?.sites ?? []) + watch.sites + (keyShare.map { [$0.site] } ?? []),
            logger: logger
        )
        await readiness.check()
        await clock?.judgeFirst(within: ClockWiring.firstPatience)
        let services: [any Service] =
            (database.server.map { [$0] } ?? []) + [client, money, readiness, LNDWatch([(.invoice, lnd)])]
            + till.services
            + (blocked.map { [$0] } ?? []) + (clock.map { [$0] } ?? []) + probes.services + (stamps?.services ?? [])
            + SigningKeys.services([key]) + (signing?.services ?? []) + (keyShare?.services ?? []) + watch.services + [
                oracle, server,
            ]
        try await Services.run(services, parent: parent, logger: logger)
        await lnd.shutdown()
    }

    private static func routes(
        _ oracle: TrustOracle,
        _ monitor: HealthMonitor,
        _ settings: Settings,
        modules: [String]
    ) -> [APIRoute] {
        let standard = settings.integer(.defaultPrice) ?? 1
        let prices = OraclePrices(
            profile: .sat(Int64(settings.integer(.profilePrice) ?? standard)),
            verdicts: .sat(Int64(settings.integer(.verdictsPrice) ?? standard))
        )
        let oracleRoutes =
            modules.contains("oracle")
            ? APIRoute.index(oracle) + APIRoute.catalogue(oracle) + APIRoute.accountability(oracle)
                + APIRoute.paid(oracle, prices: prices) : []
        let build = BuildInfo.current
        return APIRoute.health(monitor) + oracleRoutes + APIRoute.legacy
            + [.version(build.version, commit: build.commit, buildDate: build.buildDate)]
    }

    /// Reads the block list now and whenever its file changes.
    private static func watchBlockList(_ settings: Settings, _ list: BlockList, logger: Logger) async throws
        -> FileWatch?
    {
        guard let path = settings.text(.blockList) else { return nil }
        let file = WatchedFile(path: path, limit: 8 << 20)
        let contents: WatchedFile.Contents
        do {
            contents = try await file.contents()
            try list.replace(parsing: String(decoding: contents.bytes, as: UTF8.self))
        } catch {
            throw Failure(Failure.configuration, "\(Setting.blockList.name): \(error)")
        }
        return FileWatch(file, known: contents) { finding in
            do {
                let count = try list.replace(parsing: String(decoding: try finding.get().bytes, as: UTF8.self))
                logger.notice("block list in force", metadata: ["http.blocked": "\(count)"])
            } catch {
                logger.error("the block list was not taken; the one before stays", metadata: ["error": "\(error)"])
            }
        }
    }

    /// The modules to mount.
    private static func modules(_ settings: Settings) throws -> [String] {
        let modules = (settings.text(.modules) ?? "").split(separator: ",").map {
            $0.trimmingCharacters(in: .whitespaces)
        }
        let known = ["oracle", "roughtime", "signer", "keyshare"]
        guard let unknown = modules.first(where: { !known.contains($0) }) else { return modules }
        let names = known.joined(separator: ", ")
        throw Failure(
            Failure.configuration,
            "\(Setting.modules.name): '\(unknown)' is not a module; there are: \(names)"
        )
    }
}

extension GatewayConfiguration {
    init(_ settings: Settings) throws {
        self.init()
        host = settings.text(.host) ?? host
        port = settings.integer(.port) ?? port
        maxConnections = settings.integer(.maxConnections) ?? maxConnections
        bodyLimit = settings.integer(.bodyLimit) ?? bodyLimit
        requestTimeout = .milliseconds(settings.integer(.requestTimeout) ?? 30_000)
        rateLimits.requestsPerMinute[.global] = settings.integer(.globalLimit)
        rateLimits.requestsPerMinute[.discovery] = settings.integer(.discoveryLimit)
        version = BuildInfo.current.version
        trustedProxies = try (settings.text(.trustedProxies) ?? "").split(separator: ",").map { text in
            guard let network = IPNetwork(text.trimmingCharacters(in: .whitespaces)) else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.trustedProxies.name): '\(text)' is not a network such as 127.0.0.1/32"
                )
            }
            return network
        }
    }
}
