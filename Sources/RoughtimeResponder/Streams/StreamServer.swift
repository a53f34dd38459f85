// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Roughtime
internal import RoughtimeLink
internal import Synchronization

/// Listens on streams: TCP for clients, a Unix socket for the gateway.
final class StreamServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let channels = Mutex<[any Channel]>([])
    private let clients = Atomic<Int>(0)
    private let gateways = Atomic<Int>(0)
    private let limits: StreamLimits
    private let queue: AnswerQueue

    private enum Kind {
        case client, gateway
    }

    init(queue: AnswerQueue, limits: StreamLimits) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.queue = queue
        self.limits = limits
    }

    /// Serves clients on a listening TCP socket.
    func serveTCP(_ descriptor: Int32) async throws {
        try await listen(descriptor, .client) { channel, server in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(FrameHandler(queue: server.queue, limits: server.limits))
            }
        }
    }

    /// Serves the gateway on a listening Unix socket.
    func serveLocal(_ descriptor: Int32, status: @escaping @Sendable () -> ResponderStatus) async throws {
        try await listen(descriptor, .gateway) { channel, server in
            channel.eventLoop.makeCompletedFuture {
                let handler = LocalHandler(queue: server.queue, limits: server.limits, status: status)
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        }
    }

    private func listen(
        _ descriptor: Int32,
        _ kind: Kind,
        _ setUp: @escaping @Sendable (any Channel, StreamServer) -> EventLoopFuture<Void>
    ) async throws {
        let limit = kind == .client ? limits.connections : limits.localConnections
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            // Who has sent all it has to say may still wait for its answers.
            .childChannelOption(.allowRemoteHalfClosure, value: kind == .client)
            .childChannelInitializer { [self] channel in
                guard count(kind, 1) <= limit else {
                    count(kind, -1)
                    return channel.close()
                }
                channel.closeFuture.whenComplete { _ in self.count(kind, -1) }
                return channel.setOption(.autoRead, value: true).flatMap { setUp(channel, self) }
            }
        let channel = try await bootstrap.withBoundSocket(descriptor).get()
        channels.withLock { $0.append(channel) }
    }

    /// Adds to the connections of a kind; returns how many there are then.
    @discardableResult
    private func count(_ kind: Kind, _ change: Int) -> Int {
        switch kind {
        case .client: clients.add(change, ordering: .relaxed).newValue
        case .gateway: gateways.add(change, ordering: .relaxed).newValue
        }
    }

    func shutDown() async {
        for channel in channels.withLock({ $0 }) { try? await channel.close() }
        try? await group.shutdownGracefully()
    }
}
