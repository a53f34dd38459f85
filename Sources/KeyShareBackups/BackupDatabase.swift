// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import Postgres

/// The node's database and the server that it is on.
public struct BackupDatabase: Sendable, CustomStringConvertible, CustomReflectable {
    /// A host name or address, or the directory of the server's socket.
    public var host: String
    public var port: Int
    public var user: String
    public var password: String?
    /// The node's database.
    public var name: String
    /// As libpq knows it; `nil` leaves the choice to libpq.
    public var encryption: String?
    /// The file of the authorities of `verify-full`.
    public var authorities: String?
    /// A database that is always there, from which others are made, renamed and dropped.
    public var maintenance = "postgres"

    public init(
        host: String,
        port: Int = 5432,
        user: String,
        password: String? = nil,
        name: String,
        encryption: String? = nil,
        authorities: String? = nil
    ) {
        self.host = host
        self.port = port
        self.user = user
        self.password = password
        self.name = name
        self.encryption = encryption
        self.authorities = authorities
    }

    public var description: String { "database \(name)" }

    public var customMirror: Mirror { Mirror(self, children: ["name": name]) }

    /// What libpq takes for a database of this server; holds the password.
    private func connectionString(_ database: String) -> String {
        var parts = [("host", host), ("port", String(port)), ("user", user), ("dbname", database)]
        if let encryption { parts.append(("sslmode", encryption)) }
        if let authorities { parts.append(("sslrootcert", authorities)) }
        if let password { parts.append(("password", password)) }
        return parts.map { "\($0.0)='\(Self.escaped($0.1))'" }.joined(separator: " ")
    }

    /// The argument that names a database to pg_dump and pg_restore, which take URLs and settings in its place too.
    static func argument(_ database: String) -> String { "--dbname=dbname='\(escaped(database))'" }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
    }

    /// What pg_dump and pg_restore are told; the password is nobody's to see but this user's.
    var environment: [String: String] {
        var values = [
            "PGHOST": host, "PGPORT": String(port), "PGUSER": user, "PGCONNECT_TIMEOUT": "15",
            "PGAPPNAME": "assay-keyshare-backup",
        ]
        values["PGSSLMODE"] = encryption
        values["PGSSLROOTCERT"] = authorities
        values["PGPASSWORD"] = password
        return values
    }

    /// A client of a database of this server; end it with `shutDown`.
    func client(_ database: String, logger: Logger) -> PostgresClient {
        var configuration = PostgresConfiguration(connectionString: connectionString(database))
        configuration.connections = 1
        configuration.statementDeadline = .seconds(60)
        configuration.bulkDeadline = .seconds(3600)
        configuration.connectTimeout = .seconds(15)
        configuration.applicationName = "assay-keyshare-backup"
        return PostgresClient(configuration, logger: logger)
    }

    /// Calls the body with a client and ends the client afterwards.
    func withClient<Value: Sendable>(
        of database: String,
        logger: Logger,
        _ body: (PostgresClient) async throws -> Value
    ) async throws -> Value {
        let client = client(database, logger: logger)
        do {
            let value = try await body(client)
            await client.shutDown()
            return value
        } catch {
            await client.shutDown()
            throw error
        }
    }
}

/// An identifier of SQL, in quotes.
func quoted(_ name: String) -> String { "\"\(name.replacing("\"", with: "\"\""))\"" }
