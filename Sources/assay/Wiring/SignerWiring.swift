// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import IPAddresses
import LightningPrimitives
import Logging
import Metrics
import Migrations
import Nostr
import PasswordHashing
import Pomade
import Postgres
import PrometheusExposition
import SealedRecords
import ServiceLifecycle
import Settings
import Signer
import SignerServer

/// Puts a signer together from the settings.
struct SignerWiring {
    let service: SignerService
    let site: SignerSite
    let server: SignerServerConfiguration
    /// What has to run for the signer, in the order of starting; the listener is not among it.
    let services: [any Service]

    /// Checks the settings, opens the database and reads its keys.
    /// - Throws: ``Failure``.
    init(_ settings: Settings, registry: PrometheusRegistry, logger: Logger) async throws {
        // Everything that can be wrong with the configuration is found before anything is started.
        let configuration = try Self.configuration(settings)
        server = try Self.server(settings)
        let secrets = try SignerSecrets(settings)
        let isTest = Self.isTest(settings)
        let post = try SignerMail(settings, isTest: isTest, logger: logger)
        let database = try await SignerDatabase.open(settings, logger: logger)
        let client = try await database.client(settings, logger: logger)
        let keys = try await secrets.open(client)
        let clock: @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
        service = SignerService(
            configuration: configuration,
            keys: keys,
            client: client,
            hashing: PomadeHashing(HashingQueue(isTest ? .pomadeTest : .pomade)),
            post: post,
            clock: clock,
            logger: logger
        )
        let challenges = ChallengeDesk(service)
        site = SignerSite(
            service: service,
            challenges: challenges,
            configuration: server,
            metrics: { registry.render() },
            clock: clock,
            logger: logger
        )
        services =
            (database.server.map { [$0] } ?? []) + [client] + post.services
            + [challenges, SignerSweep(service)]
    }

    static func isTest(_ settings: Settings) -> Bool { settings.text(.signerTestMode) != nil }

    /// What the operator decides about the signer.
    static func configuration(_ settings: Settings) throws -> SignerConfiguration {
        guard let url = settings.text(.signerURL) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.signerURL.name) is missing: the signer's URL as clients know it, such as https://signer.example "
                    + "('assay signer --help' lists what is needed)"
            )
        }
        let aliases = list(settings, .signerAliases)
        for text in [url] + aliases where SignerAddress(text) == nil {
            throw Failure(
                Failure.configuration,
                "'\(text)' is no URL for a signer: it is http:// or https://, a host, perhaps a path, and no slash at the end"
            )
        }
        var configuration = SignerConfiguration(url: url)
        configuration.aliases = aliases
        configuration.registrationWork = isTest(settings) ? 0 : settings.integer(.signerWork) ?? 16
        configuration.minimumThreshold = settings.integer(.signerMinimumThreshold) ?? 1
        configuration.maximumTweaks = settings.integer(.signerTweaks) ?? 9
        configuration.recoveryDelay = Int64(settings.integer(.signerRecoveryDelay) ?? 0)
        configuration.idleLimit = Int64(settings.integer(.signerIdle) ?? 2_592_000)
        configuration.retention = Int64(settings.integer(.signerRetention) ?? 94_608_000)
        configuration.sessionsPerUser = settings.integer(.signerSessionsPerUser) ?? 64
        configuration.peers = try list(settings, .signerPeers).map { text in
            let key = NostrKey(lowercaseHex: text) ?? (try? NostrKey(npub: text))
            guard let identity = key.flatMap({ Hex32($0.bytes) }) else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.signerPeers.name): '\(text)' is neither npub1… nor 64 hex digits"
                )
            }
            return identity
        }
        configuration.codeDigits = settings.integer(.signerCodeDigits) ?? 10
        configuration.hashingMemory = Int((isTest(settings) ? Argon2id.pomadeTest : .pomade).memory)
        configuration.version = BuildInfo.current.version
        return configuration
    }

    private static func list(_ settings: Settings, _ setting: Setting) -> [String] {
        (settings.text(setting) ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func server(_ settings: Settings) throws -> SignerServerConfiguration {
        var server = SignerServerConfiguration()
        server.host = settings.text(.signerBind) ?? server.host
        server.port = settings.integer(.signerPort) ?? server.port
        server.maxConnections = settings.integer(.maxConnections) ?? server.maxConnections
        server.requiresPayload = settings.isOn(.signerRequiresPayload)
        server.sensitiveFloor = .milliseconds(settings.integer(.signerSensitiveFloor) ?? 0)
        server.metricsKey = settings.secret(.apiKey)?.text
        server.isMetricsLoopbackFree = settings.text(.metricsAuth) != "key"
        server.trustedProxies = try list(settings, .signerTrustedProxy).map { text in
            guard let network = IPNetwork(text) else {
                throw Failure(
                    Failure.configuration,
                    "\(Setting.signerTrustedProxy.name): '\(text)' is not a network such as 127.0.0.1/32"
                )
            }
            return network
        }
        if isTest(settings) {
            let isLoopback = server.host == "localhost" || IPAddress(server.host)?.isLoopback == true
            guard isLoopback else {
                throw Failure(
                    Failure.configuration,
                    "TEST_MODE mails no codes but prints them: it is for \(Setting.signerBind.name)=127.0.0.1 only"
                )
            }
            // Tests come from one address.
            server.limitsAddresses = false
        }
        return server
    }
}

/// The secrets of the database, in the form of keys.
struct SignerSecrets {
    let current: RecordKeys
    let previous: RecordKeys?

    init(_ settings: Settings) throws {
        guard let current = try Self.keys(settings, .signerSecret) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.signerSecret.name) is missing; make one: openssl rand -hex 32"
            )
        }
        self.current = current
        previous = try Self.keys(settings, .signerSecretPrevious)
    }

    private static func keys(_ settings: Settings, _ setting: Setting) throws -> RecordKeys? {
        guard let secret = settings.secret(setting) else { return nil }
        do { return try RecordKeys(secret: secret.text) } catch {
            throw Failure(Failure.configuration, "\(setting.name): \(error)")
        }
    }

    /// Reads the database's keys.
    func open(_ client: PostgresClient) async throws -> SignerKeys {
        do { return try await SignerKeys.open(client, secret: current, previous: previous) } catch {
            throw Failure(Failure.configuration, "the signer's database cannot be opened: \(error)")
        }
    }
}

/// Hashes addresses as clients do, a few at a time.
struct PomadeHashing: EmailHashing {
    private let queue: HashingQueue
    private let waiting = Gauge(label: "signer_argon2_waiting")
    private let running = Gauge(label: "signer_argon2_running")

    init(_ queue: HashingQueue) { self.queue = queue }

    private func record() {
        waiting.record(queue.waitingCount)
        running.record(queue.runningCount)
    }

    func hash(_ text: [UInt8], salt: String) async throws(SignerFailure) -> Hex32 {
        record()
        defer { record() }
        do throws(HashingError) {
            let bytes = try await queue.hash(text, salt: Array(salt.utf8))
            if let hash = Hex32(bytes) { return hash }
        } catch HashingError.busy {
            throw SignerFailure(.busy, "Too many addresses are being set up: try again in a few seconds.")
        } catch {}
        throw SignerFailure(.internalError, "Something went wrong here: try again later.")
    }
}
