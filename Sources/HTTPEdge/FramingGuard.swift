// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes
public import NIOCore
public import NIOHTTPTypes

/// Makes a request whose body may end elsewhere for others on the way the last one of its connection, and one without a body.
///
/// The only transfer coding understood is `chunked` (RFC 9112 section 6.1). The decoder refuses most of the rest by itself,
/// but only after it has handed on the head: the request would be on its way already. Whoever answers looks at ``isClear(_:)``.
public final class FramingGuard: ChannelInboundHandler, RemovableChannelHandler {
    public typealias InboundIn = HTTPRequestPart
    public typealias InboundOut = HTTPRequestPart

    private var isShut = false

    public init() {}

    /// Whether the fields leave no doubt about where a body ends.
    public static func isClear(_ headers: HTTPFields) -> Bool {
        headers[.transferEncoding].map { $0.lowercased() == "chunked" } ?? true
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isShut else { return }
        guard case .head(var head) = unwrapInboundIn(data), !Self.isClear(head.headerFields) else {
            return context.fireChannelRead(data)
        }
        isShut = true
        head.headerFields[.connection] = "close"
        context.fireChannelRead(wrapInboundOut(.head(head)))
        context.fireChannelRead(wrapInboundOut(.end(nil)))
    }

    public func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // What the decoder makes of the rest would be answered a second time.
        if !isShut { context.fireErrorCaught(error) }
    }
}
