// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix
internal import Roughtime

extension NetworkTransport {
    /// A connection, one framed request, and frames until one is the answer.
    func sendFrame(
        _ request: [UInt8],
        to server: SocketAddress,
        _ patience: Duration,
        _ collector: AnswerCollector
    ) async throws(ExchangeFailure) -> Reception {
        let deadline = ContinuousClock.now + patience
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connectTimeout(TimeAmount(patience))
                .channelOption(.autoRead, value: false)
                .connect(to: server).get()
        } catch {
            throw .unreachable(because: error)
        }
        let rest = max(deadline - .now, .milliseconds(1))
        return try await Self.answer(on: channel, rest, collector) { promise in
            try channel.pipeline.syncOperations.addHandler(StreamHandler(collector: collector, promise: promise))
            collector.sends()
            channel.writeAndFlush(channel.allocator.buffer(bytes: request)).whenFailure {
                promise.fail(ExchangeFailure.unreachable(because: $0))
            }
            // Whatever came before the request can be no answer to it, and is looked at all the same.
            channel.setOption(.autoRead, value: true).whenFailure { promise.fail($0) }
        }
    }
}

/// Cuts a stream into frames.
private final class StreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// Longer frames end the connection.
    private static let longestMessage = 8192

    private let collector: AnswerCollector
    private let promise: EventLoopPromise<Reception>
    private var pending = ByteBuffer()

    init(collector: AnswerCollector, promise: EventLoopPromise<Reception>) {
        self.collector = collector
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        while pending.readableBytes >= Frame.headerLength {
            let start = pending.readerIndex
            guard pending.getInteger(at: start, endianness: .little, as: UInt64.self) == Frame.magic,
                let length = pending.getInteger(at: start + 8, endianness: .little, as: UInt32.self),
                length <= Self.longestMessage
            else {
                collector.ignore()
                return promise.fail(ExchangeFailure.closed)
            }
            guard let frame = pending.readBytes(length: Frame.headerLength + Int(length)) else { break }
            if let reception = collector.take(frame) { return promise.succeed(reception) }
        }
        pending.discardReadBytes()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(ExchangeFailure.unreachable(because: error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .silence(0, _) = collector.silence {
            promise.fail(ExchangeFailure.closed)
        } else {
            promise.fail(collector.silence)
        }
        context.fireChannelInactive()
    }
}
