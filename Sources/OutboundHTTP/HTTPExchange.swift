// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import IPAddresses
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// One HTTP/1.1 request over a connection of its own to an address that was checked.
///
/// Made of NIO's own parts rather than of a client with a pool: the address is ours to choose, every byte counts against a
/// limit before it is looked at, and a status that does not exist is an error like any other.
struct HTTPExchange {
    let request: OutboundRequest
    let address: IPAddress
    let connectTimeout: Duration
    /// For https.
    let tls: NIOSSLContext?
    /// The most bytes of headers in an answer.
    let headerLimit: Int

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// Connects, asks, and reads the answer as far as it is wanted.
    func run() async throws -> OutboundAnswer {
        let begin = ContinuousClock.now
        let connection = try await connect()
        return try await connection.executeThenClose { inbound, outbound in
            do {
                try await outbound.write(.head(head))
                if let body = request.body { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
                try await outbound.write(.end(nil))
            } catch is ChannelError {
                // The connection is gone; why, the reading side says. An answer may have come all the same.
            }
            return try await read(inbound, since: begin)
        }
    }

    private func connect() async throws -> Connection {
        let (tls, limit) = (tls, headerLimit + request.bodyLimit + 64 * 1024)
        var name: String?
        // An address has no name to ask for; the certificate must name the address.
        if case .name(let host) = request.url.host { name = host }
        let serverName = name
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(TimeAmount(connectTimeout))
        let target = try SocketAddress(ipAddress: address.description, port: request.url.port)
        return try await bootstrap.connect(to: target) { channel in
            channel.eventLoop.makeCompletedFuture {
                let pipeline = channel.pipeline.syncOperations
                if let tls { try pipeline.addHandler(NIOSSLClientHandler(context: tls, serverHostname: serverName)) }
                try pipeline.addHandler(ByteLimit(limit))
                try pipeline.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
    }

    private var head: HTTPRequestHead {
        let url = request.url
        var headers = HTTPHeaders(request.headers.map { ($0.name, $0.value) })
        headers.replaceOrAdd(name: "Host", value: url.authority)
        headers.replaceOrAdd(name: "Accept-Encoding", value: "identity")
        headers.replaceOrAdd(name: "Connection", value: "close")
        if let body = request.body { headers.replaceOrAdd(name: "Content-Length", value: String(body.count)) }
        return HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: request.method),
            uri: url.target,
            headers: headers
        )
    }

    private func read(
        _ inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
        since begin: ContinuousClock.Instant
    ) async throws -> OutboundAnswer {
        var answered: HTTPResponseHead?
        var body: [UInt8] = []
        var isTruncated = false
        reading: for try await part in inbound {
            switch part {
            case .head(let head):
                try check(head)
                answered = head
            case .body(let part):
                let room = request.bodyLimit - body.count
                body += part.readableBytesView.prefix(room)
                isTruncated = part.readableBytes > room
                if isTruncated { break reading }
            case .end: break reading
            }
        }
        try Task.checkCancellation()
        guard let answered else { throw OutboundError.badAnswer("the connection ended before an answer came") }
        return OutboundAnswer(
            status: Int(answered.status.code),
            headers: answered.headers.map { (name: $0.name, value: $0.value) },
            body: body,
            isTruncated: isTruncated,
            address: address,
            duration: ContinuousClock.now - begin
        )
    }

    private func check(_ head: HTTPResponseHead) throws(OutboundError) {
        guard (200...599).contains(head.status.code) else { throw .badAnswer("status \(head.status.code)") }
        let size = head.headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        guard size <= headerLimit else { throw .badAnswer("more than \(headerLimit / 1024) KiB of headers") }
    }
}

/// Ends a connection that sends more than was asked for, before anything is made of it.
private final class ByteLimit: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var left: Int

    init(_ limit: Int) { left = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        left -= unwrapInboundIn(data).readableBytes
        guard left >= 0 else {
            context.fireErrorCaught(OutboundError.badAnswer("more bytes than were asked for"))
            context.close(promise: nil)
            return
        }
        context.fireChannelRead(data)
    }
}
