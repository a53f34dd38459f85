// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Foundation
import IdentityTestIssuer
import Logging
import Postgres
import ServiceLifecycle
import Settings
import Supervisor

/// The key share node of a run, and the login provider that gives a token to anyone who asks.
struct RunKeyShare {
    static let role = "assay_keyshare"
    private static let database = "keyshare"
    private static let firstPort = 4201
    private static let issuerPort = 4211

    let directory: RunDirectory
    let port: Int
    private let issuerPort: Int

    /// Takes the ports of the run before, where they are free.
    init(directory: RunDirectory, ports: inout FreePorts) throws {
        self.directory = directory
        let previous = directory.previousRun?.keyshare
        port = try ports.port(previous?.url, standard: Self.firstPort)
        issuerPort = try ports.port(previous?.testIssuer.url, standard: Self.issuerPort)
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var issuerURL: String { "http://127.0.0.1:\(issuerPort)" }

    /// What `run.json` says of it.
    var entry: RunFile.KeyShareNode {
        .init(
            url: url,
            adminPasswordFile: directory.keyShareAdministrator,
            testIssuer: .init(url: issuerURL, mintTokenUrl: issuerURL + "/mint")
        )
    }

    /// The login provider; it has new keys with every start.
    func issuer(logger: Logger) throws -> some Service {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        return try IdentityTestIssuer(port: issuerPort, logger: quiet) { _ in }
    }

    /// Makes the node's role and its database, and says who its login providers are; what is there stays.
    ///
    /// The role may make databases, because restores are tried out in one of their own.
    ///
    /// - Parameter client: of any database of the run's cluster, as its owner.
    func prepare(_ client: PostgresClient) async throws {
        let findRole = Statement("run.find_role", "SELECT FROM pg_roles WHERE rolname = $1")
        if try await client.query(findRole, [.text(Self.role)]).isEmpty {
            try await client.withConnection { try await $0.script("CREATE ROLE \(Self.role) LOGIN CREATEDB") }
        }
        let findDatabase = Statement("run.find_database", "SELECT FROM pg_database WHERE datname = $1")
        if try await client.query(findDatabase, [.text(Self.database)]).isEmpty {
            try await client.withConnection {
                try await $0.script("CREATE DATABASE \(Self.database) OWNER \(Self.role)")
            }
        }
        try writeProviders()
    }

    private var providersFile: String { directory.keyShare + "/providers.json" }

    private struct Provider: Encodable {
        var type: String?
        var issuers: [String]?
        var keys_url: String?
        var audiences: [String]?
        var requires_verified_email: Bool?
        var application_id: String?
        var base_url: String?
    }

    /// The providers are real ones in everything but their addresses.
    private func writeProviders() throws {
        let (issuer, audience) = (issuerURL, IdentityTestIssuer.audience)
        let providers: [String: Provider] = [
            "google": Provider(
                issuers: [issuer, "https://accounts.google.com", "accounts.google.com"],
                keys_url: issuer + "/jwks",
                audiences: [audience]
            ),
            "oidc": Provider(type: "oidc", issuers: [issuer], keys_url: issuer + "/jwks", audiences: [audience]),
            "discord": Provider(application_id: IdentityTestIssuer.application, base_url: issuer),
        ]
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do { try PrivateFile.write(Array(try encoder.encode(providers)), to: providersFile) } catch {
            throw Failure(Failure.unavailable, "\(providersFile): \(error)")
        }
    }

    /// What the node is told.
    func environment(_ cluster: EmbeddedPostgres.Endpoint) -> [String: String] {
        [
            Setting.keySharePort.name: "\(port)",
            Setting.keyShareBind.name: "127.0.0.1",
            // The administrator's routes are on the same port of the loopback.
            Setting.keyShareAdminListen.name: "",
            Setting.databaseHost.name: cluster.socketDirectory,
            Setting.databaseUser.name: Self.role,
            Setting.databaseName.name: Self.database,
            Setting.databaseTLS.name: "false",
            Setting.keyShareRootSecret.name: directory.keyShareRoot,
            "\(Setting.keyShareAdminPassword.name)_FILE": directory.keyShareAdministrator,
            Setting.keyShareProviders.name: providersFile,
            Setting.dumpDirectory.name: directory.keyShare + "/backups",
            Setting.keyShareLogDirectory.name: directory.keyShare + "/logs",
        ]
    }
}
