// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Foundation
import HTTPTypes
import Hummingbird
import IPAddresses
import KeyShareNode
import KeyShareWatch
import Logging
import NIOCore
import Postgres
import PostgresTestSupport
import Synchronization
import Testing

@testable import KeyShareServer

@Suite("Reports of a key share node")
struct TelemetryTests {
    /// Answers with what it is told, and keeps what came.
    private final class Inbox: Sendable {
        struct Letter: Sendable {
            let password, signature: String?
            let body: [UInt8]
        }
        private let state = Mutex<(letters: [Letter], failures: Int)>(([], 0))
        var letters: [Letter] { state.withLock { $0.letters } }

        init(failures: Int = 0) { state.withLock { $0.failures = failures } }

        /// - Returns: whether the letter is accepted.
        func add(_ letter: Letter) -> Bool {
            state.withLock { state in
                state.letters.append(letter)
                state.failures -= 1
                return state.failures < 0
            }
        }
    }

    private func with(_ inbox: Inbox, _ body: @Sendable (_ url: String) async throws -> Void) async throws {
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("tss/v1/ks_node/telemetry") { request, _ in
            let bytes = Array(buffer: try await request.body.collect(upTo: 65_536))
            let letter = Inbox.Letter(
                password: request.headers[.reportPassword],
                signature: request.headers[.keyShareSignature],
                body: bytes
            )
            return Response(status: inbox.add(letter) ? .ok : .internalServerError)
        }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            let port = await ports.first { _ in true } ?? 0
            try await body("http://127.0.0.1:\(port)/")
            group.cancelAll()
        }
    }

    private static var quick: TelemetrySender.Schedule {
        var schedule = TelemetrySender.Schedule()
        schedule.interval = .milliseconds(20)
        schedule.retries = [.milliseconds(5), .milliseconds(5)]
        return schedule
    }

    /// Sends until so many letters are there.
    private func run(_ sender: TelemetrySender, until count: Int, _ inbox: Inbox) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await sender.run() }
            while inbox.letters.count < count { await Task.yield() }
            group.cancelAll()
        }
    }

    @Test("a report has Oko's form and password, and the node's signature of it; a watch takes it")
    func form() async throws {
        try await House.with { house in
            let inbox = Inbox()
            try await with(inbox) { url in
                let sender = TelemetrySender(
                    baseURL: url,
                    password: "a secret of node one",
                    service: house.service,
                    schedule: Self.quick,
                    logger: house.logs.logger
                )
                await run(sender, until: 2, inbox)
            }
            let letter = try #require(inbox.letters.first)
            #expect(letter.password == "a secret of node one")
            let report = try JSONDecoder().decode(TelemetryReport.self, from: Data(letter.body))
            #expect(report.key_share_count == 0 && report.payload.db_status == "OK" && report.payload.error_msg == nil)
            #expect(report.public_key == (await house.service.status().publicKey))
            try await TestDatabase.withMigrated { client in
                let json = #"[{"name":"one","secret":"a secret of node one","public_key":"\#(report.public_key)"}]"#
                let watch = NodeWatch(
                    nodes: try WatchedNode.list(json: Array(json.utf8)),
                    client: client,
                    logger: house.logs.logger
                )
                let site = NodeWatchSite(watch: watch, trustedProxies: [], logger: house.logs.logger)
                func status(_ password: String, _ signature: String?) async -> Int {
                    var fields: HTTPFields = [.contentType: "application/json", .reportPassword: password]
                    fields[.keyShareSignature] = signature
                    let head = HTTPRequest(
                        method: .post,
                        scheme: "http",
                        authority: "a",
                        path: TelemetryReport.path,
                        headerFields: fields
                    )
                    let request = Request(head: head, body: .init(buffer: ByteBuffer(bytes: letter.body)))
                    return await site.respond(to: request, peer: IPAddress("203.0.113.1")).status.code
                }
                #expect(await status("wrong", letter.signature) == 401)
                #expect(await status("a secret of node one", String(repeating: "00", count: 64)) == 401)
                #expect(await status("a secret of node one", letter.signature) == 200)
                let head = HTTPRequest(method: .get, scheme: "http", authority: "a", path: NodeWatchSite.nodesPath)
                let response = await site.respond(
                    to: Request(head: head, body: .init(buffer: ByteBuffer())),
                    peer: IPAddress("203.0.113.1")
                )
                #expect(response.status == .ok)
                let health = try await watch.health()
                #expect(health.first?.isAlive == true && health.first?.shareCount == 0)
            }
        }
    }

    @Test("a report that is not taken is tried again, and a service that is away stops nothing")
    func failures() async throws {
        try await House.with { house in
            let inbox = Inbox(failures: 4)
            try await with(inbox) { url in
                let sender = TelemetrySender(
                    baseURL: url,
                    password: "",
                    service: house.service,
                    schedule: Self.quick,
                    logger: house.logs.logger
                )
                await run(sender, until: 6, inbox)
            }
            let nobody = TelemetrySender(
                baseURL: "http://127.0.0.1:1",
                password: "hidden password",
                service: house.service,
                schedule: Self.quick,
                logger: house.logs.logger
            )
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await nobody.run() }
                while !house.logs.text.contains("a report was not taken") { await Task.yield() }
                #expect(await house.send(.get, "/status?ready=1").status == 200)
                group.cancelAll()
            }
            #expect(!house.logs.text.contains("hidden password"))
        }
    }

    @Test("a node without its database says so, and what the database says stays here")
    func away() async throws {
        try await House.with { house in
            let inbox = Inbox()
            await house.client.shutDown()
            try await with(inbox) { url in
                let sender = TelemetrySender(
                    baseURL: url,
                    password: "",
                    service: house.service,
                    schedule: Self.quick,
                    logger: house.logs.logger
                )
                await run(sender, until: 1, inbox)
            }
            let report = try JSONDecoder().decode(TelemetryReport.self, from: Data(inbox.letters.first?.body ?? []))
            #expect(report.key_share_count == -1 && report.payload.db_status == "ERROR")
            #expect(report.payload.error_msg == "the database does not answer")
        }
    }
}
