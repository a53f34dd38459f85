// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// The configuration files of a private server.
struct ServerSettings {
    let layout: ClusterLayout
    let configuration: EmbeddedPostgresConfiguration

    /// The files by name; `users` are the system users who are let in.
    func files(users: [String]) -> [String: String] {
        [
            "postgresql.conf": main,
            "pg_hba.conf": "local all all peer map=assay\n",
            "pg_ident.conf": users.flatMap { user in
                (["assay"] + configuration.roles).map { "assay \(quoted(user, with: "\"")) \($0)\n" }
            }.joined(),
        ]
    }

    private var main: String {
        var settings = [
            ("data_directory", layout.data),
            ("hba_file", "\(layout.conf)/pg_hba.conf"),
            ("ident_file", "\(layout.conf)/pg_ident.conf"),
            ("listen_addresses", ""),
            ("unix_socket_directories", layout.socketDirectory),
            ("unix_socket_permissions", "0700"),
            ("max_connections", "\(configuration.maxConnections)"),
            ("shared_buffers", "128MB"),
            ("wal_compression", "on"),
            ("jit", "off"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
        ]
        settings +=
            configuration.durable
            ? [("synchronous_commit", "on")]
            : [("fsync", "off"), ("synchronous_commit", "off"), ("full_page_writes", "off"), ("autovacuum", "off")]
        let lines = settings.map { "\($0.0) = \(quoted($0.1, with: "'"))" }
        return "# Written at every start. Own settings: ALTER SYSTEM SET name = value.\n"
            + lines.joined(separator: "\n") + "\n"
    }

    private func quoted(_ text: String, with quote: String) -> String {
        quote + text.split(separator: quote, omittingEmptySubsequences: false).joined(separator: quote + quote) + quote
    }
}
