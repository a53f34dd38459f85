// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NIOPosix
public import Roughtime
internal import Synchronization

/// Why a responder cannot be asked.
public enum LinkError: Error, Sendable, CustomStringConvertible {
    /// Nobody listens on the socket, or the connection broke.
    case unreachable(String)
    /// No answer came in time.
    case timeout

    public var description: String {
        switch self {
        case .unreachable(let reason): "the Roughtime responder cannot be reached: \(reason)"
        case .timeout: "the Roughtime responder did not answer in time"
        }
    }
}

/// Asks the responder on this machine through its Unix socket; one connection serves all callers.
public final class ResponderLink: Sendable {
    private let path: String
    private let patience: Duration
    private let state = Mutex<EventLoopFuture<any Channel>?>(nil)
    private let eventLoop: any EventLoop

    /// Makes a link; it connects when it is first used, and again after a break.
    ///
    /// - Parameter patience: how long an answer may take.
    public init(path: String, patience: Duration = .seconds(2)) {
        self.path = path
        self.patience = patience
        eventLoop = MultiThreadedEventLoopGroup.singleton.next()
    }

    /// Has one packet answered.
    public func answer(_ packet: [UInt8]) async throws(LinkError) -> Result<[UInt8], DropReason> {
        // The responder ends a connection that carries more than it reads, and with it everybody's questions.
        guard packet.count <= RequestRules.maximumLength else { return .failure(.size) }
        do {
            let channel = try await connected()
            let promise = eventLoop.makePromise(of: Result<[UInt8], DropReason>.self)
            channel.writeAndFlush(LinkClientHandler.Question(packet: packet, promise: promise))
                .cascadeFailure(to: promise)
            let limit = eventLoop.scheduleTask(in: TimeAmount(patience)) { promise.fail(LinkError.timeout) }
            defer { limit.cancel() }
            return try await promise.futureResult.get()
        } catch let error as LinkError {
            throw error
        } catch {
            throw .unreachable("\(error)")
        }
    }

    /// What the responder says of itself.
    public func status() async throws(LinkError) -> ResponderStatus {
        guard case .success(let bytes) = try await answer([]),
            let status = try? JSONDecoder().decode(ResponderStatus.self, from: Data(bytes))
        else { throw .unreachable("its status cannot be read") }
        return status
    }

    private func connected() async throws -> any Channel {
        // A connection that broke since it was last used is worth one more try.
        for _ in 0..<2 {
            let future = state.withLock { known -> EventLoopFuture<any Channel> in
                let future = known ?? connect()
                known = future
                return future
            }
            do {
                let channel = try await future.get()
                if channel.isActive { return channel }
            } catch {
                forget(future)
                throw error
            }
            forget(future)
        }
        throw LinkError.unreachable("the connection was closed")
    }

    private func connect() -> EventLoopFuture<any Channel> {
        ClientBootstrap(group: eventLoop)
            .connectTimeout(.seconds(1))
            // Room for the questions of many callers at once; those beyond are refused.
            .channelOption(.writeBufferWaterMark, value: .init(low: 1 << 20, high: 2 << 20))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(LinkClientHandler())
                }
            }
            .connect(unixDomainSocketPath: path)
    }

    private func forget(_ future: EventLoopFuture<any Channel>) {
        state.withLock { known in
            if known === future { known = nil }
        }
    }

    public func shutDown() async {
        let future = state.withLock { known in
            defer { known = nil }
            return known
        }
        if let channel = try? await future?.get() { try? await channel.close() }
    }
}

/// Numbers the questions and finds the callers of the answers.
private final class LinkClientHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Question
    typealias OutboundOut = ByteBuffer

    struct Question: Sendable {
        let packet: [UInt8]
        let promise: EventLoopPromise<Result<[UInt8], DropReason>>
    }

    private var waiting: [UInt32: EventLoopPromise<Result<[UInt8], DropReason>>] = [:]
    private var next: UInt32 = 0
    private var pending = ByteBuffer()

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let question = unwrapOutboundIn(data)
        // A responder that reads nothing must not cost memory without end.
        guard context.channel.isWritable else {
            promise?.fail(LinkError.unreachable("too many questions wait for it"))
            return
        }
        next &+= 1
        let id = next
        waiting[id] = question.promise
        // Whoever waits no longer need not be remembered.
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        question.promise.futureResult.whenComplete { _ in handler.value.waiting[id] = nil }
        let bytes = LinkMessage.question(id, question.packet, allocator: context.channel.allocator)
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        pending.writeBuffer(&bytes)
        while true {
            switch LinkMessage.readAnswer(from: &pending) {
            case .incomplete:
                pending.discardReadBytes()
                return
            case .invalid: return context.close(promise: nil)
            case .answer(let id, let result): waiting[id]?.succeed(result)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        for promise in waiting.values { promise.fail(LinkError.unreachable("the connection was closed")) }
        waiting.removeAll()
        context.fireChannelInactive()
    }
}
