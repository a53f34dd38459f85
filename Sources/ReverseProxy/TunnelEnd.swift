// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import NIOCore

/// One end of a tunnel: what is read here is written at the other end, no faster than that end takes it.
///
/// Both ends live on one event loop, and everything here runs on it.
final class TunnelEnd: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?
    private var partner: TunnelEnd?
    /// What came before the tunnel was open.
    private var held: [ByteBuffer] = []
    private var isOpen: Bool
    private var isReadHeld = false
    private let onActivity: () -> Void
    private let onEnd: () -> Void

    /// - Parameter isOpen: whether bytes read here may go to the other end from the start.
    init(isOpen: Bool, onActivity: @escaping () -> Void, onEnd: @escaping () -> Void) {
        self.isOpen = isOpen
        self.onActivity = onActivity
        self.onEnd = onEnd
    }

    static func join(_ one: TunnelEnd, _ other: TunnelEnd) {
        one.partner = other
        other.partner = one
    }

    /// Lets bytes read here pass.
    func open() {
        isOpen = true
        for buffer in held { partner?.send(buffer) }
        held = []
        partner?.flush()
        readMore()
    }

    func close() {
        // What has been written to this end still goes out.
        context?.flush()
        context?.close(promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onActivity()
        let buffer = unwrapInboundIn(data)
        if isOpen { partner?.send(buffer) } else { held.append(buffer) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard isOpen else { return }
        partner?.flush()
        readMore()
    }

    func read(context: ChannelHandlerContext) {
        // Before the tunnel is open, the handshake reads.
        if !isOpen || partner?.isWritable == true { context.read() } else { isReadHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.resumeReading() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed, is ChannelShouldQuiesceEvent:
            // Neither a peer that has said its last word nor a server that stops waits for the other side.
            end()
            close()
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end()
        close()
    }

    private var isWritable: Bool { context?.channel.isWritable ?? false }

    private func send(_ buffer: ByteBuffer) { context?.write(wrapOutboundOut(buffer), promise: nil) }

    private func flush() { context?.flush() }

    private func readMore() {
        if partner?.isWritable == true { context?.read() } else { isReadHeld = true }
    }

    private func resumeReading() {
        guard isOpen, isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    /// Ends the tunnel, once.
    private func end() {
        guard let other = partner else { return }
        partner = nil
        other.partner = nil
        other.close()
        onEnd()
    }
}
