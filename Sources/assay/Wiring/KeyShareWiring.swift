// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import DailyLogs
import Foundation
import IPAddresses
import IdentityProviders
import KeyShareNode
import KeyShareProtocol
import KeyShareServer
import Logging
import Postgres
import PrometheusExposition
import ServiceLifecycle
import Settings
import ShareEnvelopes

/// Puts a key share node together from the settings.
struct KeyShareWiring {
    let service: KeyShareService
    let site: KeyShareSite
    let server: KeyShareServerConfiguration
    /// What has to run for the node, in the order of starting; the main listener is not among it.
    let services: [any Service]

    /// The place on another server's port.
    struct Mount {
        /// What stands before every path.
        let prefix: String
        /// Who is believed there where the node's own settings name nobody.
        let trustedProxies: [IPNetwork]
    }

    /// Checks the settings, opens the database and brings it up to date.
    ///
    /// - Parameter mounted: `nil` for a node with a port of its own.
    /// - Throws: ``Failure``.
    init(_ settings: Settings, registry: PrometheusRegistry, mounted: Mount? = nil, logger: Logger) async throws {
        // Everything that can be wrong with the configuration is found before anything is started.
        let database = try KeyShareDatabase(settings)
        let secrets = try Self.secrets(settings)
        var server = try Self.server(settings)
        if let mounted {
            server.prefix = mounted.prefix
            if server.trustedProxies.isEmpty { server.trustedProxies = mounted.trustedProxies }
        }
        let access = try Self.access(settings, logger: logger)
        _ = try KeyShareBackupWiring.configuration(settings)
        let client = database.client(database: nil, connections: 4, logger: logger)
        let connection = ProviderHTTPConnection()
        do {
            let identities = try Self.identities(
                settings,
                connection: connection,
                passkeys: StoredPasskeyKeys(client: client),
                logger: logger
            )
            try await KeyShareDatabase.find(client)
            service = try await Self.prepared(settings, client, identities, secrets, logger)
            let backups = try await KeyShareBackupWiring.service(
                settings,
                database: database,
                client: client,
                service: service,
                logger: logger
            )
            if backups == nil { logger.warning("no backups are made: set DUMP_DIR") }
            self.server = server
            site = KeyShareSite(
                service: service,
                backups: backups ?? NoBackups(),
                access: access,
                configuration: server,
                metrics: { registry.render() },
                logger: logger
            )
            services =
                [client, ConnectionCloser(connection: connection), service] + (backups.map { [$0] } ?? [])
                + Self.telemetry(settings, service, logger) + Self.administration(site, server, logger)
        } catch {
            // What was opened is closed whatever went wrong after it.
            await client.shutDown()
            await connection.shutdown()
            throw error
        }
    }

    private static func prepared(
        _ settings: Settings,
        _ client: PostgresClient,
        _ identities: IdentityDirectory,
        _ secrets: ShareSecrets,
        _ logger: Logger
    ) async throws -> KeyShareService {
        let service = KeyShareService(
            configuration: configuration(settings),
            client: client,
            identities: identities,
            secrets: secrets,
            logger: logger
        )
        do throws(KeyShareNodeError) { try await service.prepare() } catch { throw failure(error) }
        return service
    }

    /// The reports to a wallet's server, if one is named.
    private static func telemetry(_ settings: Settings, _ service: KeyShareService, _ logger: Logger) -> [any Service] {
        guard let url = settings.text(.telemetryURL), !url.isEmpty else { return [] }
        let password = settings.secret(.telemetryPassword)?.text ?? ""
        return [TelemetrySender(baseURL: url, password: password, service: service, logger: logger)]
    }

    /// The administrator's listener, unless the main one serves those routes too.
    private static func administration(
        _ site: KeyShareSite,
        _ server: KeyShareServerConfiguration,
        _ logger: Logger
    ) -> [any Service] {
        guard let address = server.administration else { return [] }
        return [KeyShareListener(site: site, door: .administration, address: address, logger: logger)]
    }

    /// The exit code of a node's error.
    static func failure(_ error: KeyShareNodeError) -> Failure {
        switch error.code {
        case .secret, .schema: Failure(Failure.configuration, error.description)
        case .unavailable: Failure(Failure.unavailable, error.description)
        case .sealed: Failure(Failure.temporary, error.description)
        case .damaged: Failure(Failure.unreadable, error.description)
        case .refused: Failure(Failure.refused, error.description)
        }
    }

    // MARK: What the settings say

    static func configuration(_ settings: Settings) -> KeyShareConfiguration {
        var configuration = KeyShareConfiguration()
        configuration.sessions = .init(rawValue: settings.text(.keyShareCommitReveal) ?? "") ?? .optional
        configuration.writeFormat = .init(rawValue: settings.text(.keyShareWriteFormat) ?? "") ?? .v2
        configuration.readsPerHour = Int32(settings.integer(.keyShareReads) ?? 20)
        configuration.writesPerHour = Int32(settings.integer(.keyShareWrites) ?? 5)
        configuration.refusalsPerHour = Int32(settings.integer(.keyShareRefusals) ?? 100)
        return configuration
    }

    static func server(_ settings: Settings) throws -> KeyShareServerConfiguration {
        var server = KeyShareServerConfiguration()
        server.main = .init(
            host: settings.text(.keyShareBind) ?? server.main.host,
            port: settings.integer(.keySharePort) ?? server.main.port
        )
        let administration = settings.text(.keyShareAdminListen) ?? ""
        if administration.isEmpty {
            server.administration = nil
        } else if let address = KeyShareServerConfiguration.Address(administration) {
            server.administration = address
        } else {
            throw Failure(
                Failure.configuration,
                "\(Setting.keyShareAdminListen.name): '\(administration)' is not an address such as 127.0.0.1:4301"
            )
        }
        server.maxConnections = settings.integer(.maxConnections) ?? server.maxConnections
        server.requestsPerMinute = settings.integer(.keyShareRequests) ?? server.requestsPerMinute
        server.origins = OriginRule(settings.text(.keyShareOrigins) ?? "*")
        server.trustedProxies = try list(settings, .keyShareTrustedProxies).map { text in
            guard let network = IPNetwork(text) else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.keyShareTrustedProxies.name): '\(text)' is not a network such as 127.0.0.1/32"
                )
            }
            return network
        }
        if settings.text(.keyShareCheckAuth) == "service" {
            guard let key = settings.secret(.keyShareCheckKey)?.text else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.keyShareCheckAuth.name)=service needs \(Setting.keyShareCheckKey.name)"
                )
            }
            server.checkKey = key
        }
        server.offsitePeers = try offsitePeers(settings)
        server.version = BuildInfo.current.version
        server.commit = BuildInfo.current.commit == "unknown" ? nil : BuildInfo.current.commit
        server.launchTime = UTCText.now()
        return server
    }

    private static func offsitePeers(_ settings: Settings) throws -> [String: String] {
        var peers: [String: String] = [:]
        let pairs = (settings.secret(.keyShareOffsitePeers)?.text ?? "").split { $0 == "," || $0 == "\n" }
        for pair in pairs {
            let sides = pair.trimmingCharacters(in: .whitespaces).split(separator: ":", maxSplits: 1).map(String.init)
            guard sides.count == 2, sides[1].utf8.count >= 32 else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.keyShareOffsitePeers.name) is NAME:BEARER, bearers of at least 32 characters, separated by commas"
                )
            }
            peers[sides[0]] = sides[1]
        }
        return peers
    }

    /// The administrator's password and key.
    ///
    /// - Throws: ``Failure`` for those that anyone would try.
    static func access(_ settings: Settings, logger: Logger? = nil) throws -> AdministratorAccess {
        var password: AdministratorPassword?
        do throws(AdministratorPassword.Refused) {
            if let hash = settings.secret(.keyShareAdminPasswordHash) {
                password = try AdministratorPassword(hash: hash.text)
            } else if let clear = settings.secret(.keyShareAdminPassword) {
                password = try AdministratorPassword(clear: clear.text)
                logger?.notice("ADMIN_PASSWORD is kept in clear: 'assay keyshare hash-password' makes a hash of it")
            }
        } catch {
            let setting =
                settings.secret(.keyShareAdminPasswordHash) == nil
                ? Setting.keyShareAdminPassword : .keyShareAdminPasswordHash
            throw Failure(Failure.configuration, "\(setting.name): \(error)")
        }
        let key = settings.secret(.keyShareAdminKey)?.text
        if let key, key.utf8.count < 32 {
            throw Failure(
                Failure.configuration,
                "\(Setting.keyShareAdminKey.name) has fewer than 32 characters; make one: openssl rand -hex 32"
            )
        }
        if password == nil, key == nil {
            logger?.warning("no administrator: set KS_ADMIN_PASSWORD_HASH, made by 'assay keyshare hash-password'")
        }
        return AdministratorAccess(password: password, key: key)
    }

    /// The root secret, and that of Oko's rows.
    static func secrets(_ settings: Settings) throws -> ShareSecrets {
        var root: RootSecret?
        if let path = settings.text(.keyShareRootSecret) {
            let bytes = try secretFile(expanded(path), .keyShareRootSecret)
            do throws(EnvelopeError) { root = try RootSecret(file: bytes) } catch {
                throw Failure(Failure.configuration, "\(Setting.keyShareRootSecret.name): \(error)")
            }
        }
        let former = try settings.text(.okoSecretPath).map { path in
            // The file's last newline is part of the secret.
            guard let data = FileManager.default.contents(atPath: expanded(path)) else {
                throw Failure(Failure.configuration, "\(Setting.okoSecretPath.name): \(path) cannot be read")
            }
            return Array(data)
        }
        do throws(KeyShareNodeError) { return try ShareSecrets(root: root, encryptionSecret: former) } catch {
            throw failure(error)
        }
    }

    /// The bytes of a file that only its owner may read.
    static func secretFile(_ path: String, _ setting: Setting) throws -> [UInt8] {
        let manager = FileManager.default
        guard let attributes = try? manager.attributesOfItem(atPath: path), let data = manager.contents(atPath: path)
        else { throw Failure(Failure.configuration, "\(setting.name): \(path) does not exist or cannot be read") }
        let mode = (attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0
        guard mode & 0o077 == 0 else {
            throw Failure(
                Failure.configuration,
                "\(setting.name): \(path) can be read by others; run: chmod 600 \(path)"
            )
        }
        return Array(data)
    }

    /// The login providers, with a word at start which are on.
    static func identities(
        _ settings: Settings,
        connection: any ProviderConnection,
        passkeys: any PasskeyKeys,
        logger: Logger?
    ) throws -> IdentityDirectory {
        var telegram = ProviderFile.Telegram()
        telegram.botToken = settings.secret(.telegramBotToken)?.text
        telegram.takesWidget = settings.isOn(.keyShareTelegramWidget)
        telegram.maximumAge = Int64(settings.integer(.keyShareTelegramAge) ?? 300)
        let path = settings.text(.keyShareProviders).map(expanded)
        let surroundings = ProviderFile.Surroundings(connection: connection, passkeys: passkeys) { path in
            (try? secretFile(expanded(path), .keyShareProviders)).map {
                String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            }
        }
        do throws(ProviderFile.Invalid) {
            var file = ProviderFile()
            if let path {
                guard let data = FileManager.default.contents(atPath: path) else {
                    throw ProviderFile.Invalid(problems: ["\(path) cannot be read"])
                }
                file = try ProviderFile(json: Array(data))
            }
            let providers = try file.providers(surroundings, telegram: telegram)
            let names = providers.keys.sorted().joined(separator: ", ")
            if providers.isEmpty {
                logger?.warning("no login provider is on: name some in KS_PROVIDERS (docs/keyshare/PROVIDERS.md)")
            } else {
                logger?.notice("login providers", metadata: ["on": "\(names)"])
            }
            if path == nil { logger?.notice("google and others need KS_PROVIDERS: it names the audiences") }
            if telegram.takesWidget {
                logger?.warning(
                    "KS_TELEGRAM_HMAC is on: whoever has the bot's token, every other node too, can log in as any user"
                )
            }
            return IdentityDirectory(providers)
        } catch {
            throw Failure(Failure.configuration, "\(Setting.keyShareProviders.name): \(error)")
        }
    }

    /// A path with the home directory for `~`.
    static func expanded(_ path: String) -> String {
        guard path == "~" || path.hasPrefix("~/") else { return path }
        return (ProcessInfo.processInfo.environment["HOME"] ?? NSHomeDirectory()) + path.dropFirst()
    }

    private static func list(_ settings: Settings, _ setting: Setting) -> [String] {
        (settings.text(setting) ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
}

/// Closes the connections to login providers at the end.
private struct ConnectionCloser: Service {
    let connection: ProviderHTTPConnection

    func run() async throws {
        try? await gracefulShutdown()
        await connection.shutdown()
    }
}
