// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import Roughtime
internal import RoughtimeLink

/// Answers the gateway on the local socket: with the packet, or with the reason for none.
final class LocalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let queue: AnswerQueue
    private let limits: StreamLimits
    private let status: @Sendable () -> ResponderStatus
    private var pending = ByteBuffer()

    init(queue: AnswerQueue, limits: StreamLimits, status: @escaping @Sendable () -> ResponderStatus) {
        self.queue = queue
        self.limits = limits
        self.status = status
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        while true {
            switch LinkMessage.readQuestion(from: &pending, limit: limits.frameLength) {
            case .incomplete:
                pending.discardReadBytes()
                return
            case .invalid: return context.close(promise: nil)
            case .question(let id, let packet): submit(id, packet, context)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func submit(_ id: UInt32, _ packet: [UInt8], _ context: ChannelHandlerContext) {
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound(context, eventLoop: eventLoop)
        guard !packet.isEmpty else {
            // An empty question asks about the responder itself.
            let status = (try? JSONEncoder().encode(status())).map { Array($0) } ?? []
            return write(id, .success(status), context)
        }
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        queue.submit(packet, .http) { result in
            eventLoop.execute { handler.value.write(id, result, bound.value) }
        }
    }

    private func write(_ id: UInt32, _ result: Result<[UInt8], DropReason>, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let answer = LinkMessage.answer(id, result, allocator: context.channel.allocator)
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}
