// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import IPAddresses
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization
import TLSTestSupport
import Testing

@testable import OutboundHTTP

/// Names with addresses of the test's choice.
private struct Names: NameResolver {
    let table: [String: [String]]
    func addresses(of name: String) async -> [IPAddress] { (table[name] ?? []).compactMap { IPAddress($0) } }
}

/// A server that answers the first bytes with bytes of the test's choice and hangs up.
private final class RawServer: Sendable {
    let port: Int
    private let channel: any Channel

    init(answer: String) async throws {
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answer(answer)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }

    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let answer: String
        init(_ answer: String) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let channel = context.channel
            channel.writeAndFlush(ByteBuffer(string: answer)).whenComplete { _ in channel.close(promise: nil) }
        }
    }
}

/// What a server of the test was asked.
struct Asked: Sendable {
    let head: HTTPRequestHead
}

/// A server of the test: HTTP/1 on the loopback, one answer to everything.
final class TestServer: Sendable {
    let port: Int
    private let channel: any Channel
    private let log: Log

    final class Log: Sendable {
        private let asked = Mutex<[Asked]>([])
        func add(_ item: Asked) { asked.withLock { $0.append(item) } }
        var all: [Asked] { asked.withLock { $0 } }
    }

    var asked: [Asked] { log.all }

    init(
        tls: NIOSSLContext? = nil,
        status: HTTPResponseStatus = .ok,
        headers: [(String, String)] = [],
        body: [UInt8] = []
    ) async throws {
        let log = Log()
        self.log = log
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler(status: status, headers: headers, body: body, log: log)
                    )
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        let status: HTTPResponseStatus
        let headers: [(String, String)]
        let body: [UInt8]
        let log: Log

        init(status: HTTPResponseStatus, headers: [(String, String)], body: [UInt8], log: Log) {
            self.status = status
            self.headers = headers
            self.body = body
            self.log = log
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard case .head(let head) = unwrapInboundIn(data) else { return }
            log.add(Asked(head: head))
            var fields = HTTPHeaders(headers)
            fields.replaceOrAdd(name: "Content-Length", value: String(body.count))
            let response = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
            context.write(wrapOutboundOut(.head(response)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}

/// The guarded client against real sockets.
struct OutboundHTTPClientTests {
    private static let loopback = [IPNetwork("127.0.0.0/8")].compactMap { $0 }

    private static func client(
        allowed: [IPNetwork] = loopback,
        names: [String: [String]] = [:],
        authorities: [UInt8]? = nil
    ) -> OutboundHTTPClient {
        OutboundHTTPClient(
            policy: AddressPolicy(allowed: allowed),
            resolver: Names(table: names),
            limiter: HostLimiter(pause: .zero),
            authorities: authorities
        )
    }

    @Test("the connection goes to the checked address, with the name in Host")
    func pinned() async throws {
        let server = try await TestServer(body: Array("hello".utf8))
        let client = Self.client(names: ["service.example": ["127.0.0.1"]])
        let url = try OutboundURL("http://service.example:\(server.port)/x?y=1")
        let answer = try await client.send(OutboundRequest(url, headers: [("X-Test", "1")]))
        #expect(answer.status == 200 && answer.body == Array("hello".utf8) && !answer.isTruncated)
        #expect(answer.address.description == "127.0.0.1")
        let asked = try #require(server.asked.first)
        #expect(asked.head.uri == "/x?y=1")
        #expect(asked.head.headers.first(name: "Host") == "service.example:\(server.port)")
        #expect(asked.head.headers.first(name: "Accept-Encoding") == "identity")
        try await server.stop()
    }

    @Test("over TLS the certificate must be the name's, though the connection goes to the address")
    func tls() async throws {
        let authority = try TestAuthority(serverName: "service.example")
        let server = try await TestServer(tls: try authority.serverContext, body: Array("secure".utf8))
        let names = ["service.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]]
        let client = Self.client(names: names, authorities: Array(authority.authorityPEM.utf8))
        let url = try OutboundURL("https://service.example:\(server.port)/")
        #expect(try await client.send(OutboundRequest(url)).body == Array("secure".utf8))
        let other = try OutboundURL("https://other.example:\(server.port)/")
        await #expect {
            try await client.send(OutboundRequest(other))
        } throws: { error in
            if case .tls? = error as? OutboundError { true } else { false }
        }
        let stranger = Self.client(names: names)
        await #expect {
            try await stranger.send(OutboundRequest(url))
        } throws: { error in
            if case .tls? = error as? OutboundError { true } else { false }
        }
        try await server.stop()
    }

    @Test(
        "a name that leads inside is refused, even if it leads outside as well",
        arguments: [
            ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["2606:4700::1111", "fd00::1"], ["64:ff9b::7f00:1"],
            ["::ffff:10.0.0.1"], ["169.254.169.254"],
        ]
    )
    func inside(addresses: [String]) async throws {
        let client = Self.client(allowed: [], names: ["evil.example": addresses])
        let url = try OutboundURL("http://evil.example/")
        await #expect(throws: OutboundError.refused(.address)) { try await client.send(OutboundRequest(url)) }
    }

    @Test("a literal address goes through the same check")
    func literals() async throws {
        let server = try await TestServer()
        let client = Self.client(allowed: [])
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            let url = try OutboundURL("http://\(host):\(server.port)/")
            await #expect(throws: OutboundError.refused(.address)) { try await client.send(OutboundRequest(url)) }
        }
        #expect(server.asked.isEmpty)
        try await server.stop()
    }

    @Test("a name is resolved once: a second answer that leads inside is never asked for")
    func rebinding() async throws {
        final class Rebinding: NameResolver {
            let calls = Atomic<Int>(0)
            func addresses(of name: String) async -> [IPAddress] {
                let call = calls.add(1, ordering: .relaxed).oldValue
                return [IPAddress(call == 0 ? "127.0.0.2" : "127.0.0.1")].compactMap { $0 }
            }
        }
        // Only the first answer may be connected to; nothing listens there.
        let server = try await TestServer()
        let resolver = Rebinding()
        let client = OutboundHTTPClient(
            policy: AddressPolicy(allowed: [IPNetwork("127.0.0.2/32")].compactMap { $0 }),
            resolver: resolver,
            limiter: HostLimiter(pause: .zero)
        )
        let url = try OutboundURL("http://rebind.example:\(server.port)/")
        await #expect(throws: OutboundError.self) { try await client.send(OutboundRequest(url)) }
        #expect(resolver.calls.load(ordering: .relaxed) == 1)
        #expect(server.asked.isEmpty)
        try await server.stop()
    }

    @Test("a redirect is an answer and is not followed")
    func redirect() async throws {
        let inner = try await TestServer(body: Array("secret".utf8))
        let outer = try await TestServer(
            status: .found,
            headers: [("Location", "http://127.0.0.1:\(inner.port)/")]
        )
        let answer = try await Self.client().send(OutboundRequest(try OutboundURL("http://127.0.0.1:\(outer.port)/")))
        #expect(answer.status == 302)
        #expect(inner.asked.isEmpty)
        try await outer.stop()
        try await inner.stop()
    }

    @Test("of a long body only as much is read as was asked for, and long headers are refused")
    func sizes() async throws {
        let long = try await TestServer(body: [UInt8](repeating: 0x61, count: 300_000))
        var request = OutboundRequest(try OutboundURL("http://127.0.0.1:\(long.port)/"), bodyLimit: 1000)
        let answer = try await Self.client().send(request)
        #expect(answer.body.count == 1000 && answer.isTruncated)
        request.bodyLimit = 300_000
        let whole = try await Self.client().send(request)
        #expect(whole.body.count == 300_000 && !whole.isTruncated)
        try await long.stop()

        let headers = (0..<40).map { ("X-\($0)", String(repeating: "y", count: 500)) }
        let wordy = try await TestServer(headers: headers)
        let url = try OutboundURL("http://127.0.0.1:\(wordy.port)/")
        await #expect(throws: OutboundError.badAnswer("more than 16 KiB of headers")) {
            try await Self.client().send(OutboundRequest(url))
        }
        try await wordy.stop()
    }

    @Test("a server that does not answer is given up, and one that is not there is unreachable")
    func silence() async throws {
        let silent = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(silent.localAddress?.port)
        let url = try OutboundURL("http://127.0.0.1:\(port)/")
        await #expect(throws: OutboundError.timedOut) {
            try await Self.client().send(OutboundRequest(url, deadline: .milliseconds(200)))
        }
        try await silent.close()
        // A port of its own: the other one may still hold a connection.
        let gone = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .bind(host: "127.0.0.1", port: 0).get()
        let free = try OutboundURL("http://127.0.0.1:\(try #require(gone.localAddress?.port))/")
        try await gone.close()
        await #expect {
            try await Self.client().send(OutboundRequest(free))
        } throws: { error in
            if case .unreachable? = error as? OutboundError { true } else { false }
        }
        let unknown = try OutboundURL("http://unknown.example/")
        await #expect(throws: OutboundError.noSuchHost) { try await Self.client().send(OutboundRequest(unknown)) }
    }

    @Test(
        "an answer that no server gives is an error, and never ends the process",
        arguments: [
            "HTTP/1.1 042 Odd\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 000 Odd\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 99999 Odd\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "\u{1}\u{2}\u{3}", "", "220 mail ready\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 300_000) + "\r\n\r\n",
        ]
    )
    func oddAnswers(bytes: String) async throws {
        let odd = try await RawServer(answer: bytes)
        let url = try OutboundURL("http://127.0.0.1:\(odd.port)/")
        await #expect {
            try await Self.client().send(OutboundRequest(url, deadline: .seconds(20)))
        } throws: { error in
            switch error as? OutboundError {
            case .badAnswer, .unreachable: true
            default: false
            }
        }
        try await odd.stop()
    }

    @Test("one request at a time goes to a host, and a waiter that is cancelled leaves at once")
    func turns() async throws {
        let limiter = HostLimiter(pause: .zero, queueLimit: 2)
        let (gate, open) = AsyncStream<Void>.makeStream()
        let first = Task { try await limiter.run(host: "a") { for await _ in gate { break } } }
        while await limiter.busyHosts == 0 { await Task.yield() }
        let running = Mutex((now: 0, most: 0))
        let count: @Sendable () async -> Void = {
            running.withLock {
                $0.now += 1; $0.most = max($0.most, $0.now)
            }
            await Task.yield()
            running.withLock { $0.now -= 1 }
        }
        let waiting = (0..<2).map { _ in Task { try await limiter.run(host: "a", count) } }
        // The queue is full once both wait; others are then refused.
        var isRefused = false
        while !isRefused {
            let probe = Task { try await limiter.run(host: "a", count) }
            await Task.yield()
            probe.cancel()
            do { try await probe.value } catch { isRefused = error is HostLimiter.TooManyWaiting }
        }
        try await limiter.run(host: "b", count)
        waiting[0].cancel()
        await #expect(throws: CancellationError.self) { try await waiting[0].value }
        open.yield()
        try await first.value
        try await waiting[1].value
        #expect(running.withLock { $0.most } == 1)
        #expect(await limiter.busyHosts == 0)
    }

    @Test("who waited for a turn in vain was not asked: that is no answer that came too late")
    func noTurn() async throws {
        let limiter = HostLimiter(pause: .zero)
        let client = OutboundHTTPClient(
            policy: AddressPolicy(allowed: Self.loopback),
            limiter: limiter,
            turnDeadline: .zero
        )
        let (ends, end) = AsyncStream<Void>.makeStream()
        let (begins, begin) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await limiter.run(host: "127.0.0.1") {
                    begin.yield()
                    for await _ in ends { break }
                }
            }
            for await _ in begins { break }
            let request = OutboundRequest(try OutboundURL("http://127.0.0.1:1025/"), deadline: .milliseconds(20))
            await #expect(throws: OutboundError.busy) { try await client.send(request) }
            end.yield()
            try await group.waitForAll()
        }
    }

    @Test("a look-up that could not begin, because others are stuck, says nothing about the name")
    func stuckNames() async throws {
        let held = DispatchSemaphore(value: 0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<SystemResolver.threads {
                group.addTask {
                    _ = try await SystemResolver.look(within: .seconds(60)) {
                        held.wait()
                        return []
                    }
                }
            }
            await #expect(throws: OutboundError.busy) {
                // All threads are taken as soon as this one does not begin.
                while true { _ = try await SystemResolver.look(within: .milliseconds(20)) { [] } }
            }
            for _ in 0..<SystemResolver.threads { held.signal() }
            try await group.waitForAll()
        }
    }

    @Test("a failed handshake is told without places in source files")
    func handshake() {
        let text = "handshakeFailed(sslError([Error: 268435703 WRONG_VERSION_NUMBER at /home/x/ssl/tls_record.cc:123]))"
        let reason = OutboundHTTPClient.tlsReason(text)
        #expect(reason == "handshakeFailed(sslError([Error: 268435703 WRONG_VERSION_NUMBER")
    }
}
