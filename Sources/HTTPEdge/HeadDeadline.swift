// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

package import NIOCore
package import NIOHTTPTypes

/// Closes connections whose request head does not arrive in time, however slowly its bytes keep coming.
///
/// Stands behind the HTTP decoder, sees the parsed heads there, and has a helper in front of the decoder that sees the
/// first byte of each.
package final class HeadDeadline: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart

    private let timeout: TimeAmount
    private var timer: Scheduled<Void>?
    private var isWaiting = true

    package init(_ timeout: TimeAmount) { self.timeout = timeout }

    package func handlerAdded(context: ChannelHandlerContext) {
        let bytes = ByteWatch(NIOLoopBound(self, eventLoop: context.eventLoop))
        // Cannot fail: the pipeline is being built on this very loop.
        try? context.pipeline.syncOperations.addHandler(bytes, position: .first)
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            stop()
            isWaiting = false
        case .body: break
        case .end: isWaiting = true
        }
        context.fireChannelRead(data)
    }

    package func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    package func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func stop() {
        timer?.cancel()
        timer = nil
    }

    /// Bytes have arrived: if they begin a head, it has so long from now on.
    fileprivate func bytesArrived(_ channel: any Channel) {
        guard isWaiting, timer == nil else { return }
        timer = channel.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
    }
}

/// Sees bytes before they are decoded.
private final class ByteWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let deadline: NIOLoopBound<HeadDeadline>

    init(_ deadline: NIOLoopBound<HeadDeadline>) { self.deadline = deadline }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        deadline.value.bytesArrived(context.channel)
        context.fireChannelRead(data)
    }
}
