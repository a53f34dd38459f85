// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import EmbeddedPostgres
import Logging
import Postgres
import Settings
import Signer
import Supervisor

/// The three signers of a run: each a process with a secret, a database and a role of its own.
struct RunSigners {
    /// Enough for the loss of one when two are needed.
    static let count = 3
    private static let firstPort = 3101

    let directory: RunDirectory
    let ports: [Int]

    /// Takes the ports of the run before, where they are free: a signer's URL is its identity, also for its clients.
    init(directory: RunDirectory, ports free: inout FreePorts) throws {
        self.directory = directory
        let previous = directory.previousRun?.signers ?? []
        var ports: [Int] = []
        for number in 0..<Self.count {
            let before = previous.indices.contains(number) ? previous[number].url : nil
            ports.append(try free.port(before, standard: Self.firstPort + number))
        }
        self.ports = ports
    }

    /// What `run.json` says of them.
    var entries: [RunFile.Signer] { ports.map { RunFile.Signer(url: "http://127.0.0.1:\($0)") } }

    static func name(_ number: Int) -> String { "signer-\(number)" }

    private func database(_ number: Int) -> String { "signer_\(number)" }

    private func role(_ number: Int) -> String { "assay_signer_\(number)" }

    /// Makes the databases, their schemas and roles in the run's own cluster; those that are there stay.
    ///
    /// - Parameters:
    ///   - client: of any database of the cluster, as its owner.
    ///   - endpoint: the cluster.
    func prepare(_ client: PostgresClient, _ endpoint: EmbeddedPostgres.Endpoint, logger: Logger) async throws {
        for number in 1...Self.count {
            let find = Statement("run.find_database", "SELECT FROM pg_database WHERE datname = $1")
            if try await client.query(find, [.text(database(number))]).isEmpty {
                try await client.withConnection { try await $0.script("CREATE DATABASE \(database(number))") }
            }
            let own = PostgresClient(
                PostgresConfiguration(
                    connectionString: endpoint.connectionString(database: database(number)),
                    connections: 1,
                    applicationName: "assay-run"
                ),
                logger: logger
            )
            do {
                try await SignerDatabase.migrate(own, role: role(number), logger: logger)
            } catch {
                await own.shutDown()
                throw error
            }
            await own.shutDown()
        }
    }

    /// What a signer is told.
    ///
    /// - Parameter endpoint: the run's own cluster; nil beside an operator's database, where every signer has a cluster
    ///   of its own.
    func environment(of number: Int, _ endpoint: EmbeddedPostgres.Endpoint?) -> [String: String] {
        let url = entries[number - 1].url
        let own = endpoint.map {
            $0.connectionString(database: database(number)) + " options='-c role=\(role(number))'"
        }
        return [
            "\(Setting.signerSecret.name)_FILE": directory.signerSecret(number),
            Setting.signerURL.name: url,
            Setting.signerPort.name: "\(ports[number - 1])",
            Setting.signerDatabase.name: own ?? "\(directory.path)/signers/\(number)",
            // Codes go to the log instead of being mailed.
            Setting.signerTestMode.name: "1",
            "\(Setting.apiKey.name)_FILE": directory.apiKey,
        ]
    }
}
