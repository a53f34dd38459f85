// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import Logging
import Postgres
import Testing

@testable import EmbeddedPostgres

@Suite("The private server")
struct EmbeddedPostgresTests {
    private static let count = Statement("count", "SELECT count(*) FROM t")

    @Test("a first start makes a cluster that only we can reach, and stopping it keeps the data")
    func firstStart() async throws {
        try await Scratch.with { scratch in
            let server = scratch.server()
            let url = try await server.start()
            #expect(try await server.start() == url)
            try await scratch.query(url) { client in
                try await client.execute(Statement("create", "CREATE TABLE t AS SELECT 1 AS x"))
                let rows = try await client.query(
                    Statement(
                        "settings",
                        """
                        SELECT current_user::text, current_database()::text, current_setting('listen_addresses'),
                               current_setting('server_encoding'), current_setting('data_checksums')
                        """
                    )
                )
                let texts = try (0..<5).map { try rows[0].text($0) }
                #expect(texts == ["assay", "assay", "", "UTF8", "on"])
            }
            for path in [scratch.layout.data, scratch.layout.socketDirectory] {
                var status = stat()
                #expect(stat(path, &status) == 0)
                #expect(status.st_mode & 0o077 == 0)
            }
            await server.stop()
            #expect(ServerProcess.current(scratch.layout) == nil)
            try await scratch.query(server.start()) { client in
                let rows = try await client.query(Self.count)
                #expect(try rows[0].int8(0) == 1)
            }
        }
    }

    @Test("two of our processes never share a cluster")
    func exclusive() async throws {
        try await Scratch.with { scratch in
            let first = scratch.server()
            _ = try await first.start()
            let error = await #expect(throws: EmbeddedPostgresError.self) { try await scratch.server().start() }
            #expect(error?.code == .inUse)
            #expect(error?.exitCode == 75)
            #expect(error?.detail.contains("(\(getpid()))") == true)
        }
    }

    @Test("a server that outlived our process is adopted")
    func adoption() async throws {
        try await Scratch.with { scratch in
            // Letting go of the actor without stopping it is what a kill -9 does: the lock goes, the server stays.
            var first: EmbeddedPostgres? = scratch.server()
            let url = try await first?.start()
            let before = try #require(ServerProcess.current(scratch.layout))
            first = nil
            let second = scratch.server()
            #expect(try await second.start() == url)
            #expect(ServerProcess.current(scratch.layout)?.processID == before.processID)
        }
    }

    @Test("a server that was killed recovers what was committed at the next start")
    func recovery() async throws {
        try await Scratch.with { scratch in
            var first: EmbeddedPostgres? = scratch.server(durable: true)
            try await scratch.query(first?.start() ?? "") { client in
                try await client.execute(Statement("create", "CREATE TABLE t AS SELECT generate_series(1, 1000) AS x"))
            }
            let before = try #require(ServerProcess.current(scratch.layout))
            kill(before.processID, SIGKILL)
            first = nil
            let second = scratch.server(durable: true)
            try await scratch.query(second.start()) { client in
                let rows = try await client.query(Self.count)
                #expect(try rows[0].int8(0) == 1000)
            }
            #expect(ServerProcess.current(scratch.layout)?.processID != before.processID)
        }
    }

    @Test("a server that dies while we run is brought back, and shutdown stops it")
    func supervision() async throws {
        try await Scratch.with { scratch in
            let server = scratch.server()
            let url = try await server.start()
            let service = Task { try await server.run() }
            let before = try #require(ServerProcess.current(scratch.layout))
            kill(before.processID, SIGKILL)
            try await scratch.query(url) { client in
                _ = try await client.query(Statement("one", "SELECT 1"), deadline: .seconds(60))
            }
            #expect(ServerProcess.current(scratch.layout)?.processID != before.processID)
            service.cancel()
            try await service.value
            #expect(ServerProcess.current(scratch.layout) == nil)
        }
    }

    @Test("a server that is to be left running survives shutdown")
    func leftRunning() async throws {
        try await Scratch.with { scratch in
            let server = scratch.server(leavesRunning: true)
            _ = try await server.start()
            let service = Task { try await server.run() }
            service.cancel()
            try await service.value
            #expect(ServerProcess.current(scratch.layout)?.isReady == true)
        }
    }

    @Test("what an interrupted initdb left is thrown away")
    func interruptedInitialisation() async throws {
        try await Scratch.with { scratch in
            try FileManager.default.createDirectory(
                atPath: "\(scratch.layout.unfinishedData)/base",
                withIntermediateDirectories: true
            )
            let server = scratch.server()
            _ = try await server.start()
            #expect(!FileManager.default.fileExists(atPath: scratch.layout.unfinishedData))
        }
    }

    @Test("a directory too deep for a socket gets its socket elsewhere")
    func deepDirectory() async throws {
        try await Scratch.with(suffix: String(repeating: "deep/", count: 20)) { scratch in
            #expect(scratch.layout.socket.utf8.count <= 107)
            #expect(!scratch.layout.socket.hasPrefix(scratch.layout.directory))
            let server = scratch.server()
            try await scratch.query(server.start()) { client in
                _ = try await client.query(Statement("one", "SELECT 1"))
            }
            await server.stop()
            try FileManager.default.removeItem(atPath: scratch.layout.socketDirectory)
        }
    }

    // MARK: Refusals

    @Test("without server programs the message says where they were looked for and what to do")
    func noBinaries() async throws {
        try await Scratch.with { scratch in
            let server = scratch.server(binaryDirectories: ["/nonexistent/bin"])
            let error = await #expect(throws: EmbeddedPostgresError.self) { try await server.start() }
            #expect(error?.code == .serverNotFound)
            #expect(error?.exitCode == 69)
            for part in ["/nonexistent/bin", "apt-get install --no-install-recommends postgresql", "DATABASE_URL"] {
                #expect(error?.detail.contains(part) == true)
            }
        }
    }

    @Test("data of another major version are left alone and the way to convert them is named")
    func otherVersion() async throws {
        try await Scratch.with { scratch in
            try FileManager.default.createDirectory(atPath: scratch.layout.data, withIntermediateDirectories: true)
            try Data("9\n".utf8).write(to: URL(filePath: "\(scratch.layout.data)/PG_VERSION"))
            let error = await #expect(throws: EmbeddedPostgresError.self) { try await scratch.server().start() }
            #expect(error?.code == .versionMismatch)
            #expect(error?.exitCode == 78)
            #expect(error?.detail.contains("pg_upgrade") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.layout.data) == ["PG_VERSION"])
        }
    }

    @Test("a link in place of the socket directory is refused")
    func linkedSocketDirectory() async throws {
        try await Scratch.with { scratch in
            try FileManager.default.createDirectory(atPath: scratch.layout.directory, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: scratch.layout.socketDirectory,
                withDestinationPath: "/etc"
            )
            let error = await #expect(throws: EmbeddedPostgresError.self) { try await scratch.server().start() }
            #expect(error?.code == .directoryUnusable)
        }
    }

    @Test(
        "a directory that is relative or that a shell would read differently is refused",
        arguments: ["relative/pg", "/tmp/a'b", "/tmp/a\"b", "/tmp/$HOME", "/tmp/a`b", "/tmp/a\nb", "/tmp/a\\b"]
    )
    func oddDirectory(path: String) {
        #expect(throws: EmbeddedPostgresError.self) { try ClusterLayout(directory: path) }
    }

    @Test("settings quote what they hold")
    func quoting() throws {
        let layout = try ClusterLayout(directory: "/tmp/with space")
        let settings = ServerSettings(layout: layout, configuration: EmbeddedPostgresConfiguration(directory: "/"))
        let files = settings.files(users: ["o\"dd"])
        #expect(files["pg_ident.conf"] == "assay \"o\"\"dd\" assay\n")
        #expect(files["postgresql.conf"]?.contains("data_directory = '/tmp/with space/data'") == true)
        #expect(files["postgresql.conf"]?.contains("fsync") == false)
    }
}

/// A directory for one test; its server is stopped and its files are removed afterwards.
private struct Scratch {
    let base: String
    let layout: ClusterLayout

    static func with(suffix: String = "", _ body: (Scratch) async throws -> Void) async throws {
        let base = "/tmp/assay-embedded-\(getpid())-\(UInt32.random(in: .min ... .max))"
        let scratch = Scratch(base: base, layout: try ClusterLayout(directory: "\(base)/\(suffix)pg"))
        var failure: (any Error)?
        do { try await body(scratch) } catch { failure = error }
        if let process = ServerProcess.current(scratch.layout) {
            #expect(await process.stop(SIGQUIT, within: .seconds(10)))
        }
        try? FileManager.default.removeItem(atPath: base)
        if let failure { throw failure }
    }

    func server(
        durable: Bool = false,
        leavesRunning: Bool = false,
        binaryDirectories: [String]? = nil
    ) -> EmbeddedPostgres {
        EmbeddedPostgres(
            configuration: EmbeddedPostgresConfiguration(
                directory: layout.directory,
                durable: durable,
                leavesRunning: leavesRunning,
                binaryDirectories: binaryDirectories
            ),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    func query(_ url: String, _ body: (PostgresClient) async throws -> Void) async throws {
        let client = PostgresClient(
            PostgresConfiguration(connectionString: url, connections: 1, statementDeadline: .seconds(30)),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        do { try await body(client) } catch {
            await client.shutDown()
            throw error
        }
        await client.shutDown()
    }
}
