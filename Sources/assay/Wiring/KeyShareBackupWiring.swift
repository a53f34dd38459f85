// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import BackupContainers
import Foundation
import IdentityProviders
import KeyShareBackups
import KeyShareNode
import KeyShareProtocol
import Logging
import Postgres
import Settings
import ShareEnvelopes

/// Puts a node's backups together from the settings.
enum KeyShareBackupWiring {
    /// - Returns: `nil` without `DUMP_DIR`.
    /// - Throws: ``Failure``.
    static func service(
        _ settings: Settings,
        database: KeyShareDatabase,
        client: PostgresClient,
        service: KeyShareService,
        observe: @escaping @Sendable (BackupStage) async -> Void = { _ in },
        logger: Logger
    ) async throws -> BackupService? {
        guard var configuration = try configuration(settings) else { return nil }
        if configuration.node.isEmpty {
            configuration.node = await service.status().publicKey.map { String($0.prefix(32)) } ?? database.name
        }
        return BackupService(
            configuration: configuration,
            database: BackupDatabase(
                host: database.host,
                port: database.port,
                user: database.user,
                password: database.password?.text,
                name: database.name,
                encryption: database.encryption,
                authorities: database.authorities
            ),
            client: client,
            service: service,
            keys: BackupKeySource { service.rootSecret.map { BackupKey(root: $0) } },
            observe: observe,
            logger: logger
        )
    }

    /// What the settings say; `nil` without `DUMP_DIR`.
    ///
    /// - Throws: ``Failure``.
    static func configuration(_ settings: Settings) throws -> BackupConfiguration? {
        guard let directory = settings.text(.dumpDirectory) else { return nil }
        var path = KeyShareWiring.expanded(directory)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        var configuration = BackupConfiguration(directory: path)
        configuration.node = try nodeName(settings)
        let time = settings.text(.keyShareBackupTime) ?? "03:17"
        configuration.time = time == "off" ? nil : BackupTime(time)
        guard time == "off" || configuration.time != nil else {
            throw Failure(
                Failure.configuration,
                "\(Setting.keyShareBackupTime.name): '\(time)' is not a time of the day such as 03:17, nor off"
            )
        }
        switch settings.text(.keyShareBackupDrill) {
        case "off": configuration.drillInterval = nil
        case "daily": configuration.drillInterval = 86_400
        default: configuration.drillInterval = 7 * 86_400
        }
        configuration.weekly = settings.integer(.keyShareBackupWeekly) ?? 0
        configuration.monthly = settings.integer(.keyShareBackupMonthly) ?? 0
        for part in (settings.text(.keyShareBackupRecipients) ?? "").split(separator: ",") {
            do throws(BackupError) {
                configuration.recipients.append(
                    try BackupRecipient(part.trimmingCharacters(in: .whitespaces))
                )
            } catch {
                throw Failure(Failure.configuration, "\(Setting.keyShareBackupRecipients.name): \(error)")
            }
        }
        do throws(OffsiteTarget.Malformed) {
            configuration.targets = try OffsiteTarget.list(settings.text(.keyShareOffsite) ?? "")
        } catch {
            throw Failure(Failure.configuration, "\(Setting.keyShareOffsite.name): \(error)")
        }
        configuration.offsiteToken = settings.secret(.keyShareOffsiteToken)?.text
        configuration.sshConfiguration = settings.text(.keyShareOffsiteSSH).map(KeyShareWiring.expanded)
        configuration.quota = Int64(settings.integer(.keyShareOffsiteQuota) ?? 0) * 1_000_000
        return configuration
    }

    private static func nodeName(_ settings: Settings) throws -> String {
        let name = settings.text(.keyShareNodeName) ?? ""
        let isPlain = name.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                    || "._-".unicodeScalars.contains(scalar))
        }
        guard isPlain, name.count <= 64, !name.hasPrefix(".") else {
            throw Failure(
                Failure.configuration,
                "\(Setting.keyShareNodeName.name): at most 64 letters, digits, dots, dashes and underscores"
            )
        }
        return name
    }

    /// Calls the body with a node's backups, without serving the node.
    ///
    /// - Throws: ``Failure``; what the body throws.
    static func with<Value>(
        _ settings: Settings,
        observe: @escaping @Sendable (BackupStage) async -> Void,
        _ body: (BackupService) async throws -> Value
    ) async throws -> Value {
        let logger = Logs.start("assay.keyshare", level: .error)
        guard try configuration(settings) != nil else {
            throw Failure(Failure.configuration, "\(Setting.dumpDirectory.name) is not set: the directory of backups")
        }
        let database = try KeyShareDatabase(settings)
        let secrets = try KeyShareWiring.secrets(settings)
        let client = try await database.client(logger: logger)
        do {
            let service = KeyShareService(
                configuration: KeyShareWiring.configuration(settings),
                client: client,
                identities: .init([:]),
                secrets: secrets,
                logger: logger
            )
            do throws(KeyShareNodeError) { try await service.prepare(isServing: false) } catch {
                throw KeyShareWiring.failure(error)
            }
            let backups = try await self.service(
                settings,
                database: database,
                client: client,
                service: service,
                observe: observe,
                logger: logger
            )
            guard let backups else { throw Failure(Failure.configuration, "no backups") }
            let value = try await body(backups)
            await client.shutDown()
            return value
        } catch {
            await client.shutDown()
            throw (error as? BackupFault).map(failure) ?? error
        }
    }

    /// The exit code of a fault.
    static func failure(_ fault: BackupFault) -> Failure {
        switch fault.code {
        case .busy: Failure(Failure.temporary, fault.detail)
        case .program, .storage: Failure(Failure.configuration, fault.detail)
        case .path, .missing, .notAFile, .unreadable: Failure(Failure.usage, fault.detail)
        case .key, .refused, .quota: Failure(Failure.refused, fault.detail)
        case .damaged, .unsound: Failure(Failure.unreadable, fault.detail)
        case .dump, .exchange, .copy: Failure(Failure.software, fault.detail)
        case .database: Failure(Failure.unavailable, fault.detail)
        }
    }
}
