// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// How a PostgresClient reaches its database and what it bounds.
public struct PostgresConfiguration: Sendable {
    /// A libpq connection string, as URL or in key-value form.
    ///
    /// It holds the password, if there is one, so it is never logged.
    let connectionString: String

    /// Pipelined connections, at least 1.
    public var connections: Int

    /// Statements that may wait for a place on a connection before new ones fail with `.overloaded`.
    public var queueLimit: Int

    /// Statements on the way on one connection, at most.
    public var depth: Int

    /// How long a statement may take, waiting included, unless the call says otherwise.
    public var statementDeadline: Duration

    /// How long a script or a COPY may take unless the call says otherwise.
    public var bulkDeadline: Duration

    /// Connections that `withConnection` may hold at a time.
    public var sessionLimit: Int

    /// How long one attempt to connect may take.
    public var connectTimeout: Duration

    /// Whether pipelined statements are planned once per connection instead of once per call.
    ///
    /// PostgreSQL plans a statement anew as long as it believes that knowing the parameters helps, which it always does of
    /// short arrays; planning a batch statement costs more than running it. Leave it off where a good plan depends on the
    /// parameters.
    public var plansOnce: Bool

    /// What `pg_stat_activity` shows, and the `pool` label of the metrics.
    public var applicationName: String

    /// Describes a client.
    ///
    /// The string is not checked here; a client with a string libpq cannot read fails every statement with
    /// `.invalidConfiguration`.
    public init(
        connectionString: String,
        connections: Int = 8,
        queueLimit: Int = 4096,
        depth: Int = 64,
        statementDeadline: Duration = .seconds(5),
        bulkDeadline: Duration = .seconds(300),
        sessionLimit: Int = 4,
        connectTimeout: Duration = .seconds(5),
        plansOnce: Bool = false,
        applicationName: String = "assay"
    ) {
        self.connectionString = connectionString
        self.connections = max(1, connections)
        self.queueLimit = max(1, queueLimit)
        self.depth = max(1, depth)
        self.statementDeadline = statementDeadline
        self.bulkDeadline = bulkDeadline
        self.sessionLimit = max(1, sessionLimit)
        self.connectTimeout = connectTimeout
        self.plansOnce = plansOnce
        self.applicationName = applicationName
    }
}

extension PostgresConfiguration: CustomStringConvertible, CustomReflectable {
    public var description: String { "PostgresConfiguration(\(applicationName), \(connections) connections)" }

    /// Hides the connection string from `dump` and string interpolation.
    public var customMirror: Mirror { Mirror(self, children: ["applicationName": applicationName]) }
}
