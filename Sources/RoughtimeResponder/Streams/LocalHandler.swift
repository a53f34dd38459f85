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
    private var outstanding = 0
    private var isPaused = false

    init(queue: AnswerQueue, limits: StreamLimits, status: @escaping @Sendable () -> ResponderStatus) {
        self.queue = queue
        self.limits = limits
        self.status = status
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        readQuestions(context)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resume(context)
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Whether another question may be taken: answers that nobody reads must not pile up.
    private func isOpen(_ context: ChannelHandlerContext) -> Bool {
        outstanding < limits.localOutstanding && context.channel.isWritable
    }

    private func readQuestions(_ context: ChannelHandlerContext) {
        reading: while isOpen(context) {
            switch LinkMessage.readQuestion(from: &pending, limit: limits.frameLength) {
            case .incomplete: break reading
            case .invalid: return context.close(promise: nil)
            case .question(let id, let packet): submit(id, packet, context)
            }
        }
        pending.discardReadBytes()
        let shallPause = !isOpen(context)
        guard shallPause != isPaused else { return }
        isPaused = shallPause
        context.channel.setOption(.autoRead, value: !shallPause).whenFailure { _ in }
    }

    private func resume(_ context: ChannelHandlerContext) {
        guard isPaused, isOpen(context), context.channel.isActive else { return }
        readQuestions(context)
    }

    private func submit(_ id: UInt32, _ packet: [UInt8], _ context: ChannelHandlerContext) {
        let eventLoop = context.eventLoop
        let bound = NIOLoopBound(context, eventLoop: eventLoop)
        guard !packet.isEmpty else {
            // An empty question asks about the responder itself.
            let status = (try? JSONEncoder().encode(status())).map { Array($0) } ?? []
            return write(id, .success(status), context)
        }
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        outstanding += 1
        queue.submit(packet, .http) { result in
            eventLoop.execute { handler.value.complete(id, result, bound.value) }
        }
    }

    private func complete(_ id: UInt32, _ result: Result<[UInt8], DropReason>, _ context: ChannelHandlerContext) {
        outstanding -= 1
        write(id, result, context)
        if outstanding < limits.localOutstanding / 2 { resume(context) }
    }

    private func write(_ id: UInt32, _ result: Result<[UInt8], DropReason>, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        let answer = LinkMessage.answer(id, result, allocator: context.channel.allocator)
        context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
    }
}
