// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import HTTPTypes
import Hummingbird
import IPAddresses
import IdentityProviders
import KeyShareNode
import KeyShareProtocol
import Logging
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import Postgres
import PostgresTestSupport
import ShareEnvelopes
import Synchronization
import Testing

@testable import KeyShareServer

/// Keeps every log line, of every level.
final class LogBook: Sendable {
    private let lines = Mutex<[String]>([])
    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(book: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let book: LogBook
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            book.lines.withLock { $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }
}

/// Believes every token but `bad`, and is away for `down`.
struct TestProvider: IdentityProvider {
    func identity(of login: LoginAttempt) async throws(IdentityFailure) -> VerifiedIdentity {
        if login.token == "bad" { throw .unauthorized("the token's signature is wrong") }
        if login.token == "down" { throw .unavailable("the provider does not answer") }
        return VerifiedIdentity(userAuthID: "test_" + login.token)
    }
}

/// Makes backups of nothing.
final class TestBackups: BackupDesk {
    private let kept = Mutex<[String: [UInt8]]>([:])
    var files: [String: [UInt8]] { kept.withLock { $0 } }

    func backup() async throws(KeyShareFailure) -> BackupReceipt {
        BackupReceipt(dumpID: "id", dumpPath: "node.akb", dumpSize: 10, dumpDuration: 20)
    }

    func restore(_ path: DumpPath) async throws(KeyShareFailure) -> String {
        guard path.name == "node.akb" else { throw KeyShareFailure(.dumpFileNotFound, "there is no such backup") }
        return path.name
    }

    func history(days: Int?) async throws(KeyShareFailure) -> [BackupRow] {
        let row = BackupRow(
            dumpID: "id",
            status: .completed,
            dumpPath: "node.akb",
            meta: .init(dumpDuration: 20, dumpSize: 10),
            createdAt: "2026-01-31T03:17:00.000Z",
            updatedAt: "2026-01-31T03:17:01.000Z"
        )
        return days == 1 ? [] : [row]
    }

    func status() async -> BackupStatus {
        var status = BackupStatus()
        status.lastOK = "2026-01-31T03:17:01.000Z"
        status.lastDrill = .init(at: "2026-01-31T04:00:00.000Z", isOK: true)
        status.isChecked = true
        status.dumpProgramVersion = "15.6"
        return status
    }

    func acceptOffsite(
        node: String,
        name: String,
        body: any AsyncSequence<ArraySlice<UInt8>, any Error> & Sendable
    ) async throws(KeyShareFailure) {
        var bytes: [UInt8] = []
        do {
            for try await piece in body { bytes += piece }
        } catch { throw KeyShareFailure(.invalidRequest, "the body did not arrive whole") }
        let whole = bytes
        kept.withLock { $0["\(node)/\(name)"] = whole }
    }
}

/// What came back.
struct Reply: Sendable {
    let status: Int
    let headers: [String: String]
    let text: String

    var object: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }
    var code: String? { object["code"] as? String }
    var data: [String: Any] { object["data"] as? [String: Any] ?? [:] }
}

/// A key share node behind HTTP, over a database of its own.
struct House: Sendable {
    static let password = "seven brown foxes"
    static let key = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    /// x and y below the order.
    static let share = "00" + String(repeating: "11", count: 31) + String(repeating: "22", count: 32)

    let site: KeyShareSite
    let service: KeyShareService
    let client: PostgresClient
    let backups: TestBackups
    let logs: LogBook

    static func with(
        server: @Sendable (inout KeyShareServerConfiguration) -> Void = { $0.requestsPerMinute = 1_000_000 },
        node: @Sendable (inout KeyShareConfiguration) -> Void = {
            $0.readsPerHour = 1_000_000
            $0.writesPerHour = 1_000_000
            $0.checksPerHour = 1_000_000
        },
        _ body: @Sendable (House) async throws -> Void
    ) async throws {
        try await TestDatabase.withClient(of: TestDatabase.keyshare(), connections: 4) { client in
            let logs = LogBook()
            var configuration = KeyShareConfiguration()
            node(&configuration)
            var serving = KeyShareServerConfiguration()
            serving.version = "1.2.3"
            serving.launchTime = "2026-01-01T00:00:00.000Z"
            serving.statusAge = .zero
            server(&serving)
            let service = KeyShareService(
                configuration: configuration,
                client: client,
                identities: IdentityDirectory(["google": TestProvider()]),
                secrets: try ShareSecrets(root: RootSecret(file: [UInt8](repeating: 0x5A, count: 32))),
                logger: logs.logger
            )
            try await service.prepare()
            let backups = TestBackups()
            let site = KeyShareSite(
                service: service,
                backups: backups,
                access: AdministratorAccess(
                    password: try AdministratorPassword(clear: password),
                    key: String(repeating: "k", count: 32)
                ),
                configuration: serving,
                metrics: { "metrics 1\n" },
                logger: logs.logger
            )
            try await body(House(site: site, service: service, client: client, backups: backups, logs: logs))
        }
    }

    /// Sends a request without sockets, from any address.
    func send(
        _ method: HTTPRequest.Method = .post,
        _ path: String,
        body: [UInt8]? = nil,
        headers: [String: String] = [:],
        peer: String = "203.0.113.7",
        door: KeyShareDoor = .main
    ) async -> Reply {
        var fields = HTTPFields()
        if let body {
            fields[.contentType] = "application/json"
            fields[.contentLength] = String(body.count)
        }
        for (name, value) in headers { HTTPField.Name(name).map { fields[$0] = value } }
        let head = HTTPRequest(method: method, scheme: "http", authority: "node", path: path, headerFields: fields)
        let request = Request(head: head, body: .init(buffer: ByteBuffer(bytes: body ?? [])))
        let response = await site.respond(to: request, peer: IPAddress(peer), door: door)
        let writer = Writer()
        try? await response.body.write(writer)
        let pairs = response.headers.map { ($0.name.rawName, $0.value) }
        return Reply(
            status: response.status.code,
            headers: Dictionary(pairs) { $0 + ", " + $1 },
            text: writer.text
        )
    }

    func post(_ path: String, _ json: String, token: String? = nil, peer: String = "203.0.113.7") async -> Reply {
        await send(
            .post,
            path,
            body: Array(json.utf8),
            headers: token.map { ["Authorization": "Bearer " + $0] } ?? [:],
            peer: peer
        )
    }

    /// Listens on sockets for as long as the body runs.
    func listening(
        _ body: @Sendable (_ main: String, _ administration: String) async throws -> Void
    ) async throws {
        let (ports, announce) = AsyncStream<(KeyShareDoor, Int)>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for door in [KeyShareDoor.main, .administration] {
                let listener = KeyShareListener(
                    site: site,
                    door: door,
                    address: .init(host: "127.0.0.1", port: 0),
                    logger: logs.logger
                ) { announce.yield((door, $0)) }
                group.addTask { try await listener.run() }
            }
            var known: [KeyShareDoor: Int] = [:]
            for await (door, port) in ports {
                known[door] = port
                if known.count == 2 { break }
            }
            try await body("http://127.0.0.1:\(known[.main] ?? 0)", "http://127.0.0.1:\(known[.administration] ?? 0)")
            group.cancelAll()
        }
    }

    private final class Writer: ResponseBodyWriter {
        var text = ""
        func write(_ buffer: ByteBuffer) async throws { text += String(buffer: buffer) }
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}

/// Asks over a socket.
func fetch(
    _ method: HTTPMethod = .GET,
    _ url: String,
    body: String? = nil,
    headers: [(String, String)] = []
) async throws -> Reply {
    var request = HTTPClientRequest(url: url)
    request.method = method
    if let body {
        request.body = .bytes(ByteBuffer(string: body))
        request.headers.add(name: "Content-Type", value: "application/json")
    }
    for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    let text = String(buffer: try await response.body.collect(upTo: 1 << 20))
    return Reply(
        status: Int(response.status.code),
        headers: Dictionary(response.headers.map { ($0.name, $0.value) }) { $0 + ", " + $1 },
        text: text
    )
}
