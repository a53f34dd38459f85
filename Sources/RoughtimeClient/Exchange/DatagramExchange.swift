// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOPosix

extension NetworkTransport {
    /// One datagram to the server, and then whatever comes from its address.
    ///
    /// The socket is not connected: some servers answer from another port. What an answer is worth is decided by nonce and
    /// signature.
    func sendDatagram(
        _ request: [UInt8],
        to server: SocketAddress,
        _ patience: Duration,
        _ collector: AnswerCollector
    ) async throws(ExchangeFailure) -> Reception {
        let isIPv6 = if case .v6 = server { true } else { false }
        let channel: any Channel
        do {
            channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: isIPv6 ? "::" : "0.0.0.0", port: 0).get()
        } catch {
            throw .unreachable(because: error)
        }
        return try await Self.answer(on: channel, patience, collector) { promise in
            try channel.pipeline.syncOperations.addHandler(
                DatagramHandler(server: server, collector: collector, promise: promise)
            )
            collector.sends()
            let envelope = AddressedEnvelope(remoteAddress: server, data: channel.allocator.buffer(bytes: request))
            channel.writeAndFlush(envelope).whenFailure { promise.fail(ExchangeFailure.unreachable(because: $0)) }
        }
    }

    /// Waits on a channel until there is an answer, time is up, or the task is cancelled; then closes it.
    static func answer(
        on channel: any Channel,
        _ patience: Duration,
        _ collector: AnswerCollector,
        _ start: @escaping @Sendable (EventLoopPromise<Reception>) throws -> Void
    ) async throws(ExchangeFailure) -> Reception {
        let loop = channel.eventLoop
        let future = loop.flatSubmit {
            let promise = loop.makePromise(of: Reception.self)
            let limit = loop.scheduleTask(in: TimeAmount(patience)) { promise.fail(collector.silence) }
            promise.futureResult.whenComplete { _ in
                limit.cancel()
                channel.close(promise: nil)
            }
            do { try start(promise) } catch { promise.fail(error) }
            return promise.futureResult
        }
        do {
            return try await withTaskCancellationHandler {
                try await future.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let failure as ExchangeFailure {
            throw failure
        } catch {
            throw .unreachable(because: error)
        }
    }
}

private final class DatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let server: SocketAddress
    private let collector: AnswerCollector
    private let promise: EventLoopPromise<Reception>

    init(server: SocketAddress, collector: AnswerCollector, promise: EventLoopPromise<Reception>) {
        self.server = server
        self.collector = collector
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let datagram = unwrapInboundIn(data)
        guard datagram.remoteAddress.ipAddress == server.ipAddress else { return collector.ignore() }
        if let reception = collector.take(Array(datagram.data.readableBytesView)) { promise.succeed(reception) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A notice that a port is closed may be forged; time will tell.
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(collector.silence)
        context.fireChannelInactive()
    }
}
