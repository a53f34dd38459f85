// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crypto
import FROST
import Foundation
import HTTPTypes
import Hummingbird
import IPAddresses
import Logging
import NIOCore
import Nostr
import Pomade
import Postgres
import PostgresTestSupport
import SealedRecords
import Secp256k1
import Signer
import Synchronization
import Testing

@testable import SignerServer

/// Keeps every log line, of every level.
final class LogBook: Sendable {
    private let lines = Mutex<[String]>([])
    var text: String { lines.withLock { $0.joined(separator: "\n") } }
    func add(_ line: String) { lines.withLock { $0.append(line) } }

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
        func log(event: LogEvent) { book.add("\(event.level) \(event.message) \(event.metadata ?? [:])") }
    }
}

/// Keeps what would have been mailed.
final class Letters: SignerPost {
    private let letters = Mutex<[SignerNotice]>([])
    func send(_ notice: SignerNotice, to address: String) { letters.withLock { $0.append(notice) } }
    var all: [SignerNotice] { letters.withLock { $0 } }
    var code: String? { all.reversed().lazy.compactMap { if case .code(let code) = $0 { code } else { nil } }.first }
}

struct QuickHashing: EmailHashing {
    func hash(_ text: [UInt8], salt: String) async throws(SignerFailure) -> Hex32 { Self.hash(text, salt) }
    static func hash(_ text: [UInt8], _ salt: String) -> Hex32 {
        Hex32(certain: Array(SHA256.hash(data: text + Array(salt.utf8))))
    }
}

/// What came back.
struct Reply: Sendable {
    let status: Int
    let headers: HTTPFields
    let text: String

    var object: [String: Any] {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }
    var isOK: Bool { object["ok"] as? Bool == true }
    var code: String? { object["code"] as? String }
}

/// A signer behind its HTTP answers, without sockets.
struct Door: Sendable {
    let site: SignerSite
    let service: SignerService
    let url: String
    let letters: Letters
    let logs: LogBook
    let replies = Replies()
    let now: @Sendable () -> Int64

    /// All replies so far.
    final class Replies: Sendable {
        private let texts = Mutex<[(path: String, text: String)]>([])
        func add(_ path: String, _ text: String) { texts.withLock { $0.append((path, text)) } }
        var all: [(path: String, text: String)] { texts.withLock { $0 } }
    }

    static func with(
        url: String = "https://signer1.example.com",
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        signer: @Sendable (inout SignerConfiguration) -> Void = { $0.registrationWork = 0 },
        server: @Sendable (inout SignerServerConfiguration) -> Void = { $0.limitsAddresses = false },
        _ body: @Sendable (Door) async throws -> Void
    ) async throws {
        try await TestDatabase.withClient(of: TestDatabase.signer()) { client in
            let secret = try RecordKeys(secret: String(repeating: "5a", count: 32))
            let logs = LogBook()
            let letters = Letters()
            var configuration = SignerConfiguration(url: url)
            signer(&configuration)
            var serving = SignerServerConfiguration()
            server(&serving)
            let service = SignerService(
                configuration: configuration,
                keys: try await SignerKeys.open(client, secret: secret),
                client: client,
                hashing: QuickHashing(),
                post: letters,
                clock: now,
                logger: logs.logger
            )
            let desk = ChallengeDesk(service)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await desk.run() }
                let site = SignerSite(
                    service: service,
                    challenges: desk,
                    configuration: serving,
                    metrics: { "metrics" },
                    clock: now,
                    logger: logs.logger
                )
                try await body(Door(site: site, service: service, url: url, letters: letters, logs: logs, now: now))
                group.cancelAll()
            }
        }
    }

    /// Sends any request.
    func send(
        _ method: HTTPRequest.Method = .post,
        _ path: String,
        body: [UInt8] = [],
        headers: HTTPFields = [:],
        peer: String = "127.0.0.1"
    ) async -> Reply {
        let head = HTTPRequest(method: method, scheme: "http", authority: "signer", path: path, headerFields: headers)
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(bytes: body)))
        let response = await site.respond(to: request, peer: IPAddress(peer))
        let writer = Writer()
        try? await response.body.write(writer)
        let reply = Reply(status: response.status.code, headers: response.headers, text: writer.text)
        replies.add(path, reply.text)
        return reply
    }

    /// Sends a body that a key has signed.
    func call(_ route: String, _ key: SecretKey, raw body: [UInt8]) async -> Reply {
        let event = HTTPAuthorization.event(key: NostrKey(key), url: url + route, body: body, createdAt: now())
            .signed(by: key)
        let prefix = SignerAddress(url)?.prefix ?? ""
        return await send(.post, prefix + route, body: body, headers: [.authorization: HTTPAuthorization.header(event)])
    }

    func call(_ route: String, _ key: SecretKey, _ body: some Encodable) async throws -> Reply {
        await call(route, key, raw: Array(try JSONEncoder().encode(body)))
    }

    private final class Writer: ResponseBodyWriter {
        var text = ""
        func write(_ buffer: ByteBuffer) async throws { text += String(buffer: buffer) }
        func finish(_ trailingHeaders: HTTPFields?) async throws {}
    }
}

/// A user whose key is dealt; the test holds the clients' keys.
struct Person {
    let secret = SecretKey.random()
    let client = SecretKey.random()
    let dealing: Dealing
    let group: WireGroup
    let email = "person@example.org"
    let passwordHash = Hex32.random()

    init(_ threshold: Int = 1, of count: Int = 1) throws {
        dealing = try Dealing(splitting: Scalar(secret), threshold: threshold, among: Identifier.first(count))
        let commits = try dealing.shares.map { share in
            let point = try #require(Hex33(share.publicShare.compressed))
            return WireCommit(
                idx: Int(share.identifier.number),
                pubkey: point,
                hiddenNonce: point,
                binderNonce: point
            )
        }
        group = WireGroup(
            commits: commits,
            key: try #require(Hex33(dealing.group.key.compressed)),
            threshold: threshold
        )
    }

    var clientKey: Hex32 { Hex32(certain: client.publicKey.xOnly) }

    var registration: PomadeBody.Register {
        PomadeBody.Register(share: WireShare(dealing.shares[0]), group: group, recovery: true)
    }

    var shareText: String { WireShare(dealing.shares[0]).seckey.description }
}
