// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Roughtime
import RoughtimeLink
import Testing

@testable import RoughtimeResponder

/// A connection whose far end and clock the test plays itself.
private struct Connection {
    let queue: AnswerQueue
    let channel: EmbeddedChannel

    init(_ handler: (AnswerQueue) -> any ChannelHandler) throws {
        queue = try #require(AnswerQueue())
        channel = EmbeddedChannel(handler: handler(queue))
        try channel.connect(to: NIOCore.SocketAddress(unixDomainSocketPath: "/nowhere")).wait()
    }

    static func frames(_ limits: StreamLimits = StreamLimits()) throws -> Connection {
        try Connection { FrameHandler(queue: $0, limits: limits) }
    }

    static func local(_ limits: StreamLimits = StreamLimits()) throws -> Connection {
        try Connection { queue in
            LocalHandler(queue: queue, limits: limits) {
                ResponderStatus(
                    publicKey: "",
                    versions: [],
                    udpPorts: [],
                    tcpPorts: [],
                    delegation: nil,
                    radius: nil
                )
            }
        }
    }

    func send(_ bytes: [UInt8]) throws { try channel.writeInbound(ByteBuffer(bytes: bytes)) }

    /// Does what workers do; returns how many requests waited.
    @discardableResult
    func answerAll(with answer: [UInt8] = [1, 2, 3, 4]) -> Int {
        var entries: [AnswerQueue.Entry] = []
        queue.take(.max, into: &entries)
        for entry in entries { entry.completion(.success(answer)) }
        channel.embeddedEventLoop.run()
        return entries.count
    }

    func written() throws -> Int {
        var count = 0
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { count += bytes.readableBytes }
        return count
    }

    func setWritable(_ isWritable: Bool) {
        channel.isWritable = isWritable
        channel.pipeline.fireChannelWritabilityChanged()
        channel.embeddedEventLoop.run()
    }
}

@Suite("Streams")
struct StreamTests {
    private static func frame(_ length: Int = 4) -> [UInt8] { Frame.wrap([UInt8](repeating: 0, count: length)) }

    @Test("a client that does not read its answers is not asked for more until it has read")
    func backpressure() throws {
        let connection = try Connection.frames()
        connection.setWritable(false)
        try connection.send([UInt8]((0..<10).flatMap { _ in Self.frame() }))
        #expect(connection.answerAll() == 0)
        connection.setWritable(true)
        #expect(connection.answerAll() == 10)
        #expect(try connection.written() == 40)
    }

    @Test("a frame that cannot hold a message ends the connection", arguments: [0, 6, 1023, 9000])
    func badLength(_ length: Int) throws {
        let connection = try Connection.frames()
        try connection.send(Self.frame(4) + Self.frame(length))
        #expect(connection.answerAll() <= 1)
        connection.channel.embeddedEventLoop.run()
        #expect(!connection.channel.isActive)
    }

    @Test("no more requests of a connection are under way than its limit, and all are answered in the end")
    func outstanding() throws {
        let connection = try Connection.frames()
        try connection.send([UInt8]((0..<1000).flatMap { _ in Self.frame() }))
        var rounds: [Int] = []
        while case let count = connection.answerAll(), count > 0 { rounds.append(count) }
        #expect(rounds.allSatisfy { $0 <= StreamLimits().outstanding })
        #expect(rounds.reduce(0, +) == 1000)
        #expect(try connection.written() == 4000)
    }

    @Test("a frame that trickles in ends the connection, however steadily its bytes come")
    func slowFrame() throws {
        let connection = try Connection.frames()
        for byte in Self.frame(1024).prefix(4) {
            try connection.send([byte])
            connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            #expect(connection.channel.isActive)
        }
        try connection.send([0x47])
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!connection.channel.isActive)
    }

    @Test("a connection whose frames are completed stays, wherever its packets are cut")
    func cutFrames() throws {
        let connection = try Connection.frames()
        let frame = Self.frame(1024)
        try connection.send(Array(frame.prefix(500)))
        for _ in 0..<20 {
            connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try connection.send(Array(frame.dropFirst(500)) + frame.prefix(500))
            #expect(connection.answerAll() == 1)
        }
        #expect(connection.channel.isActive)
    }

    @Test("a silent connection is closed, also one that was answered")
    func idle() throws {
        let connection = try Connection.frames()
        try connection.send(Self.frame())
        connection.answerAll()
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(9))
        #expect(connection.channel.isActive)
        connection.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!connection.channel.isActive)
    }

    @Test("a client that has sent its last byte still gets what it asked for")
    func halfClosed() throws {
        let connection = try Connection.frames()
        try connection.send(Self.frame() + Self.frame())
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(connection.channel.isActive)
        #expect(connection.answerAll() == 2)
        #expect(try connection.written() == 8)
        #expect(!connection.channel.isActive)
    }

    @Test("a client that asks nothing and sends no more is let go")
    func halfClosedWithoutRequest() throws {
        let connection = try Connection.frames()
        try connection.send([0x52])
        connection.channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(!connection.channel.isActive)
    }

    @Test("the longest frame is taken and one byte more is not", arguments: [(8192, 1), (8193, 0)])
    func longestFrame(_ length: Int, _ taken: Int) throws {
        let connection = try Connection.frames()
        try connection.send(Self.frame(length - Frame.headerLength))
        #expect(connection.answerAll() == taken)
        #expect(connection.channel.isActive == (taken == 1))
    }

    @Test("bytes that are no frame end the connection as soon as a header could be there")
    func garbage() throws {
        let connection = try Connection.frames()
        try connection.send([UInt8](repeating: 0xff, count: 11))
        #expect(connection.channel.isActive)
        try connection.send([0xff])
        #expect(!connection.channel.isActive)
    }

    @Test("answers that come when the client has gone are thrown away")
    func gone() throws {
        let connection = try Connection.frames()
        try connection.send(Self.frame())
        connection.channel.close(promise: nil)
        connection.channel.embeddedEventLoop.run()
        #expect(connection.answerAll() == 1)
        #expect(try connection.written() == 0)
    }

    @Test("a gateway that does not read is not answered without end")
    func localBackpressure() throws {
        let connection = try Connection.local()
        connection.setWritable(false)
        let question = Array(buffer: LinkMessage.question(7, [1, 2, 3], allocator: ByteBufferAllocator()))
        let status = Array(buffer: LinkMessage.question(8, [], allocator: ByteBufferAllocator()))
        try connection.send(question + status)
        #expect(connection.answerAll() == 0)
        #expect(try connection.written() == 0)
        connection.setWritable(true)
        #expect(connection.answerAll() == 1)
        #expect(try connection.written() > 16)
    }

    @Test("no more questions of the gateway are under way than the limit, and all are answered in the end")
    func localOutstanding() throws {
        var limits = StreamLimits()
        limits.localOutstanding = 16
        let connection = try Connection.local(limits)
        let question = Array(buffer: LinkMessage.question(7, [1], allocator: ByteBufferAllocator()))
        try connection.send([UInt8]((0..<100).flatMap { _ in question }))
        var rounds: [Int] = []
        while case let count = connection.answerAll(), count > 0 { rounds.append(count) }
        #expect(rounds.allSatisfy { $0 <= 16 })
        #expect(rounds.reduce(0, +) == 100)
    }

    @Test("a question longer than any request ends the gateway's connection")
    func localLength() throws {
        let connection = try Connection.local()
        try connection.send([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff])
        #expect(!connection.channel.isActive)
    }

    @Test("clients of TCP cannot take the gateway's place")
    func separateLimits() async throws {
        let queue = try #require(AnswerQueue())
        var limits = StreamLimits()
        limits.connections = 0
        let server = StreamServer(queue: queue, limits: limits)
        let path = "/tmp/assay-test-\(UInt64.random(in: 0 ... .max)).sock"
        let status = ResponderStatus(
            publicKey: "k",
            versions: [1],
            udpPorts: [],
            tcpPorts: [],
            delegation: nil,
            radius: 1
        )
        try await server.serveLocal(try LocalSocket.listen(path)) { status }
        let link = ResponderLink(path: path)
        #expect(try await link.status() == status)
        await link.shutDown()
        await server.shutDown()
    }
}
