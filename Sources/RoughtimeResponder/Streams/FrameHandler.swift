// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import Roughtime

/// Reads frames from a TCP connection and writes the answers as they come, in any order (RFC 10049, section 5).
///
/// A frame that is well formed but gets no answer is dropped in silence; bytes that are no frame end the connection.
final class FrameHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let queue: AnswerQueue
    private let limits: StreamLimits
    private var pending = ByteBuffer()
    private var outstanding = 0
    private var timer: Scheduled<Void>?
    private var isPaused = false
    /// The client has sent its last byte and waits for what it is owed.
    private var isEnding = false

    init(queue: AnswerQueue, limits: StreamLimits) {
        self.queue = queue
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) {
        setTimer(context)
        context.fireChannelActive()
    }

    func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { setTimer(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let hadPart = pending.readableBytes > 0
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        guard let taken = readFrames(context) else { return context.close(promise: nil) }
        // A frame must be whole in time, however slowly its bytes trickle in.
        if taken > 0 || !hadPart { setTimer(context) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        resume(context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            isEnding = true
            endIfDone(context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    /// Whether another frame may be taken: answers that the client does not read must not pile up.
    private func isOpen(_ context: ChannelHandlerContext) -> Bool {
        outstanding < limits.outstanding && context.channel.isWritable
    }

    /// Takes whole frames and says how many; nil when the bytes are none.
    private func readFrames(_ context: ChannelHandlerContext) -> Int? {
        var taken = 0
        while isOpen(context), pending.readableBytes >= Frame.headerLength {
            let start = pending.readerIndex
            guard pending.getInteger(at: start, endianness: .little, as: UInt64.self) == Frame.magic,
                let length = pending.getInteger(at: start + 8, endianness: .little, as: UInt32.self),
                // A message is made of words of 4 bytes (RFC 10049, section 5).
                length > 0, length % 4 == 0, Int(length) + Frame.headerLength <= limits.frameLength
            else { return nil }
            guard let packet = pending.readBytes(length: Frame.headerLength + Int(length)) else { break }
            submit(packet, context)
            taken += 1
        }
        if pending.readableBytes == 0 { pending.clear() } else { pending.discardReadBytes() }
        pause(!isOpen(context), context)
        return taken
    }

    private func submit(_ packet: [UInt8], _ context: ChannelHandlerContext) {
        outstanding += 1
        let eventLoop = context.eventLoop
        let handler = NIOLoopBound(self, eventLoop: eventLoop)
        let bound = NIOLoopBound(context, eventLoop: eventLoop)
        queue.submit(packet, .tcp) { result in
            eventLoop.execute { handler.value.answer(result, bound.value) }
        }
    }

    private func answer(_ result: Result<[UInt8], DropReason>, _ context: ChannelHandlerContext) {
        outstanding -= 1
        guard context.channel.isActive else { return }
        if case .success(let bytes) = result {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
        }
        if outstanding < limits.outstanding / 2 { resume(context) }
        endIfDone(context)
    }

    /// Goes on with what was left when reading was paused.
    private func resume(_ context: ChannelHandlerContext) {
        guard isPaused, isOpen(context), context.channel.isActive else { return }
        guard let taken = readFrames(context) else { return context.close(promise: nil) }
        if taken > 0 { setTimer(context) }
        endIfDone(context)
    }

    /// Closes the connection of a client that sends no more, once it has all its answers.
    private func endIfDone(_ context: ChannelHandlerContext) {
        guard isEnding, outstanding == 0, !isPaused else { return }
        isEnding = false
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { [channel = context.channel] _ in
            channel.close(promise: nil)
        }
    }

    private func pause(_ shallPause: Bool, _ context: ChannelHandlerContext) {
        guard shallPause != isPaused else { return }
        isPaused = shallPause
        context.channel.setOption(.autoRead, value: !shallPause).whenFailure { _ in }
    }

    private func setTimer(_ context: ChannelHandlerContext) {
        timer?.cancel()
        let patience = pending.readableBytes > 0 ? limits.read : limits.idle
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: TimeAmount(patience)) { bound.value.close(promise: nil) }
    }
}
