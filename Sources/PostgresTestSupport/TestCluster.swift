// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import EmbeddedPostgres
internal import Glibc
internal import Logging
internal import Postgres
internal import Synchronization

/// The database server of a test process: started by the first test that needs it, gone with the process.
actor TestCluster {
    static let shared = TestCluster()

    private var starting: Task<EmbeddedPostgres.Endpoint, any Error>?
    private var templates: Set<String> = []
    private var lastNumber = 0

    /// Starts the server on first use.
    private func endpoint() async throws -> EmbeddedPostgres.Endpoint {
        if let starting { return try await starting.value }
        let task = Task { try await Self.launch() }
        starting = task
        return try await task.value
    }

    /// Makes a database, from a template if one is named, and returns its connection string.
    ///
    /// `fill` fills the template when it is used for the first time.
    func makeDatabase(
        template: String?,
        fill: @Sendable (_ connectionString: String) async throws -> Void
    ) async throws -> String {
        let endpoint = try await endpoint()
        // Actors are re-entrant: one creation at a time, because a template must not be in use while it is copied.
        await acquire()
        defer { release() }
        if let template, !templates.contains(template) {
            try await create(template, from: nil, at: endpoint)
            try await fill(endpoint.connectionString(database: template))
            templates.insert(template)
        }
        lastNumber += 1
        let name = "t_\(lastNumber)"
        try await create(name, from: template, at: endpoint)
        return endpoint.connectionString(database: name)
    }

    private func create(_ name: String, from template: String?, at endpoint: EmbeddedPostgres.Endpoint) async throws {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: endpoint.connectionString(database: "postgres"), connections: 1),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await client.withConnection { session in
            let source = template.map { " TEMPLATE \($0)" } ?? ""
            try await session.script("CREATE DATABASE \(name)\(source) STRATEGY file_copy")
        }
        await client.shutDown()
    }

    // MARK: One at a time

    private var isBusy = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    private func acquire() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiters.append($0) }
    }

    private func release() {
        if waiters.isEmpty { isBusy = false } else { waiters.removeFirst().resume() }
    }

    // MARK: Life

    private static func launch() async throws -> EmbeddedPostgres.Endpoint {
        let base = "/tmp/assay-test-\(getpid())-\(UInt32.random(in: .min ... .max))"
        watch(base)
        let server = EmbeddedPostgres(
            configuration: EmbeddedPostgresConfiguration(
                directory: "\(base)/pg",
                durable: false,
                leavesRunning: true,
                maxConnections: 500
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        _ = try await server.start()
        keptAlive.withLock { $0 = server }
        return try await server.endpoint()
    }

    /// Holds the server's lock for as long as the process lives.
    private static let keptAlive = Mutex<EmbeddedPostgres?>(nil)

    /// Starts a child that stops the server and removes its files when this process ends, in whatever way.
    ///
    /// The child reads from a pipe whose other end only we hold: end of file means that we are gone.
    private static func watch(_ base: String) {
        let script = """
            trap '' INT TERM HUP; cat; pid=$(head -n 1 \(base)/pg/data/postmaster.pid 2>/dev/null)
            if [ -n "$pid" ]; then kill -QUIT "$pid"; fi
            for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
            rm -rf \(base)
            """
        // Closed on exec, so that the server does not hold the pipe open.
        _ = popen("{ \(script)\n} >/dev/null 2>&1", "we")
    }
}
