// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DailyLogs
import EmbeddedPostgres
import Foundation
import IdentityProviders
import KeyShareNode
import KeyShareServer
import Logging
import Metrics
import PrometheusExposition
import ServiceLifecycle
import Settings

/// Keeps one share of each of many wallets' keys.
struct KeyShareCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keyshare",
        abstract: "Keep one share of each of many wallets' keys, for who logs in as their owner (Oko's protocol).",
        discussion: """
            A wallet's key is split so that a few of several nodes can bring it back, and no fewer. Each node should be run \
            by somebody else. A node checks a login, keeps the share encrypted, and gives it to the same person again.

            'assay run' starts one for trying things out, with a login provider that gives a token to anyone.

            In production:
              1. assay keyshare init --root-secret-file /etc/assay/keyshare-root
                 and a copy of that file apart from the database's backups
              2. assay keyshare hash-password > admin-hash; chmod 600 admin-hash
              3. write providers.json (docs/keyshare/PROVIDERS.md)
              4. DB_HOST=127.0.0.1 DB_USER=keyshare DB_PASSWORD_FILE=db-password \\
                   DB_NAME=keyshare KS_ROOT_SECRET_FILE=/etc/assay/keyshare-root \\
                   KS_ADMIN_PASSWORD_HASH_FILE=admin-hash KS_PROVIDERS=providers.json \\
                   DUMP_DIR=/var/backups/keyshare LOG_DIR=/var/log/keyshare \\
                   assay keyshare check-config
              5. the same with 'assay keyshare serve'

            Settings come from the environment, or from ~/.oko/key_share_node.env (with --node-id N from \
            key_share_node_N.env); the environment wins. Coming from an Oko node, its thirteen settings are enough. \
            docs/keyshare/OPERATOR.md tells the rest.
            """,
        subcommands: [
            Serve.self, Init.self, CheckConfig.self, HashPassword.self, Unseal.self, Status.self, Backup.self,
            Restore.self,
            History.self, VerifyBackup.self, RotateKEK.self, RotateKeypair.self, ImportV1.self, ExportV1.self,
            AuditVerify.self,
        ]
    )

    /// Serves the routes.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Serve the node's routes on KS_BIND:PORT, and the administrator's on KS_ADMIN_LISTEN.",
            discussion: """
                Needs DB_HOST, DB_USER, DB_PASSWORD, DB_NAME, and KS_ROOT_SECRET_FILE (or ENCRYPTION_SECRET_PATH, or \
                KS_SEALED=true). The tables are brought up to date at start. Any number of processes may serve from one \
                database. Put a TLS proxy in front, and name it in KS_TRUSTED_PROXIES.

                Metrics: GET /metrics on the administrator's address. Logs: LOG_DIR/ksnode-YYYY-MM-DD.log, seven days of \
                them, or standard error; SIGHUP opens the file anew. They hold no tokens, shares or addresses.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Option(help: .hidden)
        var parent: Int32?

        func run() async throws {
            let settings = try node.settings()
            let (logger, file) = try KeyShareLogs.start(settings)
            let registry = MetricsSetup.startKeyShare()
            if !NodeMemory.protect().isUndumpable { logger.warning("core dumps could not be switched off") }
            let wiring = try await KeyShareWiring(settings, registry: registry, logger: logger)
            if let prices = settings.text(.keySharePrices), prices.filter({ $0 != " " }) != "{}" {
                logger.warning("KS_PRICES is for 'assay serve' with the module keyshare; here every route is free")
            }
            let listener = KeyShareListener(
                site: wiring.site,
                door: .main,
                address: wiring.server.main,
                logger: logger
            )
            let reload = ReloadSignals(logger: logger)
            reload.add { file?.reopen() }
            try await Services.run(wiring.services + [reload, listener], parent: parent, logger: logger)
        }
    }

    /// Shows what holds.
    struct CheckConfig: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check-config",
            abstract: "Check the settings and files, and print what holds; secrets are not shown.",
            discussion: """
                Reads everything that 'serve' reads before it connects to anything. Lists all names and values that are \
                wrong; when there are none, all files, lists and folders that are. Exits with 78 when there are some.
                """
        )

        @OptionGroup var node: KeyShareNodeOptions

        @Flag(help: "Only check; print nothing when all is well.")
        var quiet = false

        func run() async throws {
            let settings = try node.settings()
            var problems: [String] = []
            try collect(&problems) { _ = try KeyShareDatabase(settings) }
            try collect(&problems) { _ = try KeyShareWiring.secrets(settings) }
            try collect(&problems) { _ = try KeyShareWiring.server(settings) }
            try collect(&problems) { _ = try KeyShareWiring.access(settings) }
            try collect(&problems) { _ = try KeySharePrices(settings) }
            try collect(&problems) { _ = try KeyShareBackupWiring.configuration(settings) }
            problems += Self.unwritable([.dumpDirectory, .keyShareLogDirectory], settings)
            let connection = ProviderHTTPConnection()
            let identities = Result {
                try KeyShareWiring.identities(settings, connection: connection, passkeys: NoPasskeys(), logger: nil)
            }
            await connection.shutdown()
            var types: [String] = []
            try collect(&problems) { types = try identities.get().authTypes }
            guard problems.isEmpty else {
                throw Failure(Failure.configuration, Settings.Invalid(problems: problems).description)
            }
            guard !quiet else { return }
            let rows = Setting.keyShareNode.sorted { $0.name < $1.name }.map { setting in
                [setting.name, settings.shown(setting), "\(settings.origin(setting))"]
            }
            Terminal.table(rows.filter { $0[2] != "unset" })
            let none = "none, so nobody can log in: name some in KS_PROVIDERS (docs/keyshare/PROVIDERS.md)"
            Terminal.say("\nlogin providers: \(types.isEmpty ? none : types.joined(separator: ", "))")
        }

        /// Runs a step, and keeps what it says is wrong instead of ending with it.
        private func collect(_ problems: inout [String], _ step: () throws -> Void) throws {
            do { try step() } catch let failure as Failure { problems.append(failure.message) }
        }

        /// Folders that cannot be written to, or not be made where they are missing.
        private static func unwritable(_ folders: [Setting], _ settings: Settings) -> [String] {
            folders.compactMap { setting in
                guard let given = settings.text(setting) else { return nil }
                let path = URL(fileURLWithPath: KeyShareWiring.expanded(given)).standardizedFileURL
                var found = path
                while found.path != "/", !FileManager.default.fileExists(atPath: found.path) {
                    found.deleteLastPathComponent()
                }
                var isDirectory: ObjCBool = false
                _ = FileManager.default.fileExists(atPath: found.path, isDirectory: &isDirectory)
                guard isDirectory.boolValue else { return "\(setting.name): \(found.path) is not a folder" }
                guard !FileManager.default.isWritableFile(atPath: found.path) else { return nil }
                return "\(setting.name): this user cannot write to \(found.path)"
            }
        }
    }

    /// Hashes the administrator's password.
    struct HashPassword: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "hash-password",
            abstract: "Read the administrator's password and print its hash for KS_ADMIN_PASSWORD_HASH.",
            discussion: """
                Asks without showing what is typed; from a pipe it takes the first line. The hash is Argon2id with 64 MiB. \
                A password has at least 14 characters.
                """
        )

        func run() throws {
            guard let password = Terminal.secret("Administrator's password: "), !password.isEmpty else {
                throw Failure(Failure.usage, "no password was given")
            }
            if Terminal.isInteractive, Terminal.secret("Once more: ") != password {
                throw Failure(Failure.usage, "the two are not the same")
            }
            do throws(AdministratorPassword.Refused) {
                Terminal.say(try AdministratorPassword.hashed(password))
            } catch { throw Failure(Failure.usage, error.description) }
        }
    }
}

/// Stands in for the database where only the settings are looked at.
private struct NoPasskeys: PasskeyKeys {
    func key(of userAuthID: String) async throws(IdentityFailure) -> [UInt8]? { nil }
}

extension MetricsSetup {
    /// The metrics of a key share node by itself, whose names begin with ks_ only.
    static func startKeyShare() -> PrometheusRegistry {
        let registry = PrometheusRegistry(prefix: "", catalogue: MetricDescription.all)
        registry.collectProcessMetrics(version: BuildInfo.current.version, commit: BuildInfo.current.commit)
        MetricsSystem.bootstrap(registry)
        return registry
    }
}
