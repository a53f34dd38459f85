// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Gateway
import Ledger
import Logging
import Postgres
import ServiceLifecycle
import Settings

/// The services of others behind this server's gate: their table, and what keeps it in step with its file.
struct ServicesWiring {
    let table = ServiceTable()
    /// What the server needs; `nil` when no file is configured.
    let proxied: ProxiedServices?
    let files: ServiceFiles?
    /// In the order of starting.
    let services: [any Service]

    /// - Throws: ``Failure`` with everything that is wrong with the file: a server does not start half.
    init(_ settings: Settings, _ client: PostgresClient, logger: Logger) async throws {
        guard let path = settings.text(.servicesFile) else {
            (proxied, files, services) = (nil, nil, [])
            return
        }
        let files = ServiceFiles(path: path, table: table, logger: logger)
        do throws(ServiceFiles.Unusable) {
            try await files.load()
        } catch {
            throw Failure(
                Failure.configuration,
                "\(Setting.servicesFile.name): \(error)\n'assay services check \(path)' explains more."
            )
        }
        let allowances = FreeAllowances(client: client, logger: logger)
        proxied = ProxiedServices(table: table, allowances: allowances)
        self.files = files
        services = [allowances, files]
    }
}
