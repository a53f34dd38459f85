// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

/// What a private database server is made of.
public struct EmbeddedPostgresConfiguration: Sendable {
    /// An absolute path; everything the server owns is below it.
    ///
    /// Made if it does not exist.
    public var directory: String

    /// Whether a commit survives a power failure.
    ///
    /// False switches fsync off: for tests only.
    public var durable: Bool

    /// Whether the server goes on after graceful shutdown, to be adopted by the next start.
    public var leavesRunning: Bool

    /// Connections the server accepts, 20 to 1000.
    public var maxConnections: Int

    /// Directories with server programs, in place of the usual ones.
    public var binaryDirectories: [String]?

    /// Roles besides `assay` that the same system users may connect as; plain names.
    public var roles: [String]

    /// How long the server may take to come up; recovery after a crash takes longer than a plain start.
    public var startTimeout: Duration

    /// Describes a private server.
    public init(
        directory: String,
        durable: Bool = true,
        leavesRunning: Bool = false,
        maxConnections: Int = 64,
        binaryDirectories: [String]? = nil,
        roles: [String] = [],
        startTimeout: Duration = .seconds(60)
    ) {
        self.directory = directory
        self.durable = durable
        self.leavesRunning = leavesRunning
        self.maxConnections = min(max(20, maxConnections), 1000)
        self.binaryDirectories = binaryDirectories
        self.roles = roles
        self.startTimeout = startTimeout
    }
}
