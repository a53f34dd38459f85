// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix
import Roughtime
import Synchronization
import Testing

@testable import RoughtimeClient

/// Answers datagrams on the loopback with whatever a closure says.
private final class DatagramServer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>

    let answers: @Sendable ([UInt8]) -> [[UInt8]]
    let reply: (any Channel)?

    init(reply: (any Channel)?, answers: @escaping @Sendable ([UInt8]) -> [[UInt8]]) {
        self.answers = answers
        self.reply = reply
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = unwrapInboundIn(data)
        let channel = reply ?? context.channel
        for answer in answers(Array(datagram.data.readableBytesView)) {
            let buffer = channel.allocator.buffer(bytes: answer)
            channel.writeAndFlush(AddressedEnvelope(remoteAddress: datagram.remoteAddress, data: buffer), promise: nil)
        }
    }

    static func start(
        host: String = "127.0.0.1",
        reply: (any Channel)? = nil,
        _ answers: @escaping @Sendable ([UInt8]) -> [[UInt8]]
    ) async throws -> (any Channel, UInt16) {
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramServer(reply: reply, answers: answers))
                }
            }
            .bind(host: host, port: 0).get()
        return (channel, UInt16(try #require(channel.localAddress?.port)))
    }
}

/// Answers whatever comes on a connection with the bytes a closure gives, in pieces.
private final class StreamServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let answer: @Sendable ([UInt8]) -> [[UInt8]]
    var received: [UInt8] = []

    init(_ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += Array(unwrapInboundIn(data).readableBytesView)
        guard received.count >= 1024 else { return }
        for piece in answer(received) {
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(bytes: piece)), promise: nil)
        }
        received = []
    }

    static func start(_ answer: @escaping @Sendable ([UInt8]) -> [[UInt8]]) async throws -> (any Channel, UInt16) {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamServer(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (channel, UInt16(try #require(channel.localAddress?.port)))
    }
}

/// Answers HTTP requests with a status and a body.
private final class WebServer: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    let answer: @Sendable (HTTPRequestHead, [UInt8]) -> (HTTPResponseStatus, [UInt8])
    var head: HTTPRequestHead?
    var body: [UInt8] = []

    init(_ answer: @escaping @Sendable (HTTPRequestHead, [UInt8]) -> (HTTPResponseStatus, [UInt8])) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, [])
        case .body(let bytes): body += Array(bytes.readableBytesView)
        case .end:
            guard let head else { return }
            let (status, bytes) = answer(head, body)
            let headers = HTTPHeaders([("content-length", "\(bytes.count)")])
            let response = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(response)), promise: nil)
            context.write(
                wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: bytes)))),
                promise: nil
            )
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }

    static func start(
        _ answer: @escaping @Sendable (HTTPRequestHead, [UInt8]) -> (HTTPResponseStatus, [UInt8])
    ) async throws -> (any Channel, UInt16) {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(WebServer(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return (channel, UInt16(try #require(channel.localAddress?.port)))
    }
}

@Suite("The network")
struct NetworkTests {
    private func server(_ fake: FakeServer, _ endpoints: [Endpoint], _ offers: VersionOffers? = nil) -> TimeServer {
        TimeServer(
            name: "loopback",
            publicKey: fake.publicKey,
            endpoints: endpoints,
            offers: offers ?? .automatic(listed: .rfc10049)
        )
    }

    @Test("a datagram is answered in every version", arguments: Version.all)
    func datagrams(_ version: Version) async throws {
        let fake = try FakeServer()
        let (channel, port) = try await DatagramServer.start { [fake.answer($0)].compactMap { $0 } }
        let server = server(fake, [.udp(host: "127.0.0.1", port: port)], .fixed([version]))
        let exchange = try await TimeClient().ask(server, within: .seconds(30))
        #expect(exchange.response.version == version && exchange.roundTrip > 0)
        try await channel.close()
    }

    @Test("IPv6 and names are found")
    func addresses() async throws {
        let fake = try FakeServer()
        for (host, name) in [("::1", "::1"), ("127.0.0.1", "localhost")] {
            guard
                let (channel, port) = try? await DatagramServer.start(
                    host: host,
                    { [fake.answer($0)].compactMap { $0 } }
                )
            else { continue }
            // A name may have an address where nobody listens, so only what must be reached is asked.
            let endpoint = Endpoint.udp(host: name == "localhost" ? "127.0.0.1" : name, port: port)
            #expect(try await TimeClient().ask(server(fake, [endpoint]), within: .seconds(30)).tries >= 1)
            try await channel.close()
        }
        let nowhere = server(fake, [.udp(host: "nowhere.invalid", port: 1)])
        await #expect(throws: ExchangeFailure.unresolved(host: "nowhere.invalid")) {
            try await TimeClient().ask(nowhere, within: .milliseconds(1))
        }
    }

    @Test("an answer from another port of the same address is taken")
    func otherPort() async throws {
        let fake = try FakeServer()
        let (other, _) = try await DatagramServer.start { _ in [] }
        let (channel, port) = try await DatagramServer.start(reply: other) { [fake.answer($0)].compactMap { $0 } }
        let exchange = try await TimeClient().ask(
            server(fake, [.udp(host: "127.0.0.1", port: port)]),
            within: .seconds(30)
        )
        #expect(exchange.response.version == .rfc10049)
        try await channel.close()
        try await other.close()
    }

    @Test("an answer from another address is not even looked at")
    func otherAddress() async throws {
        let fake = try FakeServer()
        let (other, _) = try await DatagramServer.start(host: "127.0.0.2") { _ in [] }
        let (channel, port) = try await DatagramServer.start(reply: other) { [fake.answer($0)].compactMap { $0 } }
        let transport = NetworkTransport()
        let looked = Atomic(false)
        let request = try #require(Request(versions: [.rfc10049], nonce: [UInt8](repeating: 0, count: 32)))
        await #expect(throws: ExchangeFailure.silence(ignored: 1, last: nil)) {
            try await transport.exchange(
                request.packet,
                with: .udp(host: "127.0.0.1", port: port),
                patience: .milliseconds(200)
            ) { _ in
                looked.store(true, ordering: .relaxed)
                return .failure(.nonce)
            }
        }
        let wasLooked = looked.load(ordering: .relaxed)
        #expect(!wasLooked)
        try await channel.close()
        try await other.close()
    }

    @Test("greased, forged, foreign and too long datagrams are passed over")
    func strays() async throws {
        let fake = try FakeServer()
        let (channel, port) = try await DatagramServer.start { request in
            guard let good = fake.answer(request) else { return [] }
            var forged = good
            forged[forged.count / 2] ^= 0x10
            return [[1, 2, 3], [], forged, good + [UInt8](repeating: 0, count: 1200), Array(good.dropLast(4)), good]
        }
        let server = server(fake, [.udp(host: "127.0.0.1", port: port)])
        #expect(try await TimeClient().ask(server, within: .seconds(30)).tries == 1)
        try await channel.close()
    }

    @Test("a server that is silent on UDP is reached over TCP, in pieces and after frames that are not the answer")
    func stream() async throws {
        let fake = try FakeServer()
        let (silent, udp) = try await DatagramServer.start { _ in [] }
        let (channel, tcp) = try await StreamServer.start { request in
            guard let good = fake.answer(request) else { return [] }
            let stray = Frame.wrap([UInt8](repeating: 0, count: 64))
            return [stray, Array(good.prefix(7)), Array(good.dropFirst(7).prefix(20)), Array(good.dropFirst(27))]
        }
        var client = TimeClient()
        client.firstWait = .milliseconds(100)
        let server = server(fake, [.udp(host: "127.0.0.1", port: udp), .tcp(host: "127.0.0.1", port: tcp)])
        let exchange = try await client.ask(server, within: .seconds(60))
        #expect(exchange.endpoint.transport == "tcp" && exchange.tries >= 3)
        try await channel.close()
        try await silent.close()
    }

    @Test("a stream that is no row of frames, or is closed, ends the try at once")
    func brokenStreams() async throws {
        let fake = try FakeServer()
        let request = try #require(Request(versions: [.rfc10049], nonce: [UInt8](repeating: 0, count: 32)))
        var long = Frame.wrap([UInt8](repeating: 0, count: 8))
        long[10] = 0xff
        for bytes in [[UInt8](repeating: 0x41, count: 40), long] {
            let (channel, port) = try await StreamServer.start { _ in [bytes] }
            await #expect(throws: ExchangeFailure.closed) {
                try await NetworkTransport().exchange(
                    request.packet,
                    with: .tcp(host: "127.0.0.1", port: port),
                    patience: .seconds(60)
                ) { _ in .failure(.nonce) }
            }
            try await channel.close()
        }
        // Nobody listens there any more.
        let (channel, port) = try await StreamServer.start { _ in [] }
        try await channel.close()
        await #expect(throws: ExchangeFailure.self) {
            try await TimeClient().ask(
                server(fake, [.tcp(host: "127.0.0.1", port: port)]),
                within: .milliseconds(10)
            )
        }
    }

    @Test("a request by HTTP is a POST of bytes; a refusal is final")
    func web() async throws {
        let fake = try FakeServer()
        let asked = Atomic(0)
        let (channel, port) = try await WebServer.start { head, body in
            asked.add(1, ordering: .relaxed)
            guard head.method == .POST, head.headers["content-type"] == ["application/octet-stream"] else {
                return (.badRequest, [])
            }
            if head.uri == "/none" { return (.unprocessableEntity, []) }
            return (.ok, fake.answer(body) ?? [])
        }
        let client = TimeClient()
        let good = server(fake, [.http("http://127.0.0.1:\(port)/roughtime")])
        #expect(try await client.ask(good, within: .seconds(30)).endpoint.transport == "http")
        let google = server(fake, good.endpoints, .fixed([.google]))
        #expect(try await client.ask(google, within: .seconds(30)).response.version == .google)
        let before = asked.load(ordering: .relaxed)
        await #expect(throws: ExchangeFailure.refused(status: 422)) {
            try await client.ask(server(fake, [.http("http://127.0.0.1:\(port)/none")]), within: .seconds(30))
        }
        let after = asked.load(ordering: .relaxed)
        #expect(after == before + 1)
        try await channel.close()
    }

    @Test("a task that is cancelled does not wait on")
    func cancellation() async throws {
        let fake = try FakeServer()
        let (channel, port) = try await DatagramServer.start { _ in [] }
        let server = server(fake, [.udp(host: "127.0.0.1", port: port)])
        var client = TimeClient()
        client.firstWait = .seconds(3600)
        let task = Task { [client] in try await client.ask(server, within: .seconds(3600)) }
        task.cancel()
        await #expect(throws: ExchangeFailure.self) { try await task.value }
        try await channel.close()
    }
}
