// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1

/// Asks the backend to upgrade a connection and reads its answer.
final class UpgradeHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// What the backend answered.
    enum Answer: Sendable {
        /// 101; the connection reads nothing more by itself, and a `TunnelEnd` stands in its pipeline.
        case upgraded(HTTPResponseHead)
        /// Anything else, with at most 64 KiB of its body.
        case refused(HTTPResponseHead, ByteBuffer)
    }

    private let request: HTTPRequestHead
    private let answer: EventLoopPromise<Answer>
    private let timeout: TimeAmount
    /// What goes from the pipeline once the connection is upgraded, in this order.
    private let codecs: [any RemovableChannelHandler]
    private var head: HTTPResponseHead?
    private var isFinished = false
    private var body = ByteBuffer()
    private var timer: Scheduled<Void>?
    private static let bodyLimit = 64 * 1024

    init(
        request: HTTPRequestHead,
        answer: EventLoopPromise<Answer>,
        timeout: TimeAmount,
        codecs: [any RemovableChannelHandler]
    ) {
        self.request = request
        self.answer = answer
        self.timeout = timeout
        self.codecs = codecs
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.fail(context, UpstreamError.timedOut(.response))
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            if head.status == .switchingProtocols {
                try? context.channel.syncOptions?.setOption(.autoRead, value: false)
            }
        case .body(var part):
            guard body.readableBytes + part.readableBytes <= Self.bodyLimit else { return finish(context) }
            body.writeBuffer(&part)
        case .end: finish(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isFinished { fail(context, UpstreamError.badAnswer("the connection was closed before the answer")) }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, ReverseProxy.upstreamError(error))
    }

    private func fail(_ context: ChannelHandlerContext, _ error: UpstreamError) {
        timer?.cancel()
        answer.fail(error)
        context.close(promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext) {
        isFinished = true
        timer?.cancel()
        guard let head else { return fail(context, .badAnswer("it has no head")) }
        guard head.status == .switchingProtocols else {
            answer.succeed(.refused(head, body))
            context.close(promise: nil)
            return
        }
        // The decoder is at work now; it goes when it has returned, and hands on what it has not read.
        context.eventLoop.assumeIsolated().execute {
            let pipeline = context.pipeline.syncOperations
            let removals = pipeline.removeHandler(context: context)
            for codec in self.codecs { pipeline.removeHandler(codec, promise: nil) }
            removals.map { Answer.upgraded(head) }.cascade(to: self.answer)
        }
    }
}
