// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ByteCoding
import Crypto
import Foundation
import Hummingbird
import Logging
import NIOCore
import Postgres
import PostgresTestSupport
import Synchronization
import Testing

@testable import KeyShareWatch

@Suite("The watch over key share nodes")
struct NodeWatchTests {
    private final class Clock: Sendable {
        private let time = Mutex(Date(timeIntervalSince1970: 1_769_903_990))
        var now: Date { time.withLock { $0 } }
        func advance(_ seconds: TimeInterval) { time.withLock { $0 += seconds } }
    }

    private static let secret = "a secret of node one"

    private static func nodes(_ url: String? = nil, key: String? = nil) throws -> [WatchedNode] {
        let members = [
            #""name":"one","secret":"\#(secret)""#, url.map { #""url":"\#($0)""# },
            key.map { #""public_key":"\#($0)""# },
        ]
        let one = members.compactMap { $0 }.joined(separator: ",")
        return try WatchedNode.list(json: Array(#"[{\#(one)},{"name":"two","secret":"a secret of node two"}]"#.utf8))
    }

    private static func report(_ key: Curve25519.Signing.PrivateKey, shares: Int = 5, status: String = "OK") -> [UInt8]
    {
        let hex = Hex.encode(Array(key.publicKey.rawRepresentation))
        return Array(
            #"{"public_key":"\#(hex)","key_share_count":\#(shares),"payload":{"db_status":"\#(status)","error_msg":null}}"#
                .utf8
        )
    }

    private func with(
        _ nodes: [WatchedNode],
        _ body: @Sendable (NodeWatch, Clock) async throws -> Void
    ) async throws {
        try await TestDatabase.withMigrated { client in
            let clock = Clock()
            let watch = NodeWatch(
                nodes: nodes,
                client: client,
                clock: { clock.now },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
            try await body(watch, clock)
        }
    }

    @Test("a report is taken with the node's own password, and shows in the node's health until it is silent")
    func reports() async throws {
        try await with(Self.nodes()) { watch, clock in
            let key = Curve25519.Signing.PrivateKey()
            let body = Self.report(key)
            let signature = Hex.encode(Array(try key.signature(for: body)))
            try await watch.take(body, password: Self.secret, signature: signature)
            let health = try await watch.health()
            #expect(health.map(\.name) == ["one", "two"])
            #expect(health[0].isAlive && health[0].shareCount == 5 && health[0].isDatabaseOK == true)
            #expect(health[0].publicKey == Array(key.publicKey.rawRepresentation))
            #expect(!health[1].isAlive && health[1].publicKey == nil && health[1].uptime == nil)
            try await watch.take(Self.report(key, shares: -1, status: "ERROR"), password: Self.secret, signature: nil)
            let broken = try await watch.health()[0]
            #expect(broken.shareCount == 5 && broken.isDatabaseOK == false)
            clock.advance(600)
            let silent = try await watch.health()[0]
            #expect(!silent.isAlive)
        }
    }

    @Test("wrong passwords, forged signatures and other bodies are refused, and write nothing")
    func refusals() async throws {
        try await with(Self.nodes()) { watch, _ in
            let key = Curve25519.Signing.PrivateKey()
            let body = Self.report(key)
            for password in [nil, "", "another secret", "a secret of node on"] {
                await #expect(throws: NodeWatch.Refusal.unauthorized) {
                    try await watch.take(body, password: password, signature: nil)
                }
            }
            let other = Hex.encode(Array(try Curve25519.Signing.PrivateKey().signature(for: body)))
            for signature in [other, "", "zz"] {
                await #expect(throws: NodeWatch.Refusal.forged) {
                    try await watch.take(body, password: Self.secret, signature: signature)
                }
            }
            for text in [
                "", "{}", "[]", "null", #"{"public_key":"00","key_share_count":1,"payload":{"db_status":"OK"}}"#,
            ] {
                await #expect(throws: NodeWatch.Refusal.malformed) {
                    try await watch.take(Array(text.utf8), password: Self.secret, signature: nil)
                }
            }
            let health = try await watch.health()[0]
            #expect(health.publicKey == nil && health.reportedAt == nil)
        }
    }

    @Test("a report with a key that is not the node's is taken and ignored")
    func otherKey() async throws {
        try await with(Self.nodes(key: String(repeating: "ab", count: 32))) { watch, _ in
            try await watch.take(Self.report(.init()), password: Self.secret, signature: nil)
            let health = try await watch.health()[0]
            #expect(health.reportedAt == nil)
        }
    }

    @Test("uptime is the part of the questions of thirty days that were answered")
    func uptime() async throws {
        let isUp = Mutex(true)
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let router = Router()
        let up: @Sendable () -> Bool = { isUp.withLock { $0 } }
        router.get("/status") { _, _ in
            Response(
                status: up() ? .ok : .serviceUnavailable,
                body: .init(byteBuffer: ByteBuffer(string: #"{"version":"0.0.5","sealed":false}"#))
            )
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
            try await with(Self.nodes("http://127.0.0.1:\(port)/")) { watch, clock in
                for number in 0..<8 {
                    isUp.withLock { $0 = number != 3 && number != 5 }
                    await watch.ask()
                    clock.advance(1800)
                }
                let health = try await watch.health()
                #expect(health[0].uptime == 0.75 && health[0].isAlive && health[0].version == "0.0.5")
                #expect(health[1].uptime == nil)
                isUp.withLock { $0 = false }
                await watch.ask()
                let down = try await watch.health()[0]
                #expect(!down.isAlive)
                clock.advance(31 * 86_400)
                let later = try await watch.health()[0]
                #expect(later.uptime == nil)
            }
            group.cancelAll()
        }
    }

    @Test(
        "files of nodes that would be mistaken are refused",
        arguments: [
            "", "{}", #"[{"name":"a b","secret":"0123456789abcdef"}]"#, #"[{"name":"a","secret":"short"}]"#,
            #"[{"name":"a","secret":"0123456789abcdef"},{"name":"a","secret":"1123456789abcdef"}]"#,
            #"[{"name":"a","secret":"0123456789abcdef"},{"name":"b","secret":"0123456789abcdef"}]"#,
            #"[{"name":"a","secret":"0123456789abcdef","public_key":"00"}]"#,
            #"[{"name":"a","secret":"0123456789abcdef","url":"ftp://a"}]"#,
        ]
    )
    func files(_ json: String) {
        #expect(throws: WatchedNode.Invalid.self) { try WatchedNode.list(json: Array(json.utf8)) }
    }
}
