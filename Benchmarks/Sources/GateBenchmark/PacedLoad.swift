// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1
import NIOPosix

/// Requests at a fixed rate over 64 connections.
///
/// A request that is due while its connection is busy waits, and its latency counts from when it was due: a server that
/// stalls is not spared the requests of the meantime.
struct PacedLoad {
    /// What came back.
    struct Answers {
        var latencies: [Duration] = []
        var statuses: Set<Int> = []

        func milliseconds(percentile: Int) -> Double {
            let sorted = latencies.sorted()
            return sorted[min(sorted.count - 1, sorted.count * percentile / 100)] / .milliseconds(1)
        }
    }

    let port: Int
    let path: String
    let credentials: [String]
    private let connections = 64

    func run(perSecond rate: Int, seconds: Int) async throws -> Answers {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var channels: [any Channel] = []
        var handlers: [EventLoopFuture<Answers>] = []
        let each = rate * seconds / connections
        for index in 0..<connections {
            let promise = group.any().makePromise(of: Answers.self)
            let head = head(index)
            let pace = Pace(
                first: .nanoseconds(Int64(1_000_000_000 / rate * index)),
                interval: .nanoseconds(Int64(1_000_000_000 / rate * connections)),
                count: each
            )
            let channel = try await ClientBootstrap(group: group)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHTTPClientHandlers()
                        try channel.pipeline.syncOperations.addHandler(
                            PacedConnection(head: head, pace: pace, promise: promise)
                        )
                    }
                }
                .connect(host: "127.0.0.1", port: port).get()
            channels.append(channel)
            handlers.append(promise.futureResult)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(Begin()) }
        var all = Answers()
        for handler in handlers {
            let answers = try await handler.get()
            all.latencies += answers.latencies
            all.statuses.formUnion(answers.statuses)
        }
        for channel in channels { try? await channel.close() }
        try await group.shutdownGracefully()
        return all
    }

    private func head(_ index: Int) -> HTTPRequestHead {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path)
        head.headers.add(name: "Host", value: "127.0.0.1:\(port)")
        head.headers.add(name: "Accept", value: "application/json")
        if !credentials.isEmpty {
            head.headers.add(name: "Authorization", value: credentials[index % credentials.count])
        }
        return head
    }
}

/// All connections are there: begin.
private struct Begin {}

private struct Pace {
    let first: TimeAmount
    let interval: TimeAmount
    let count: Int
}

/// One connection, with at most one request under way.
private final class PacedConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let head: HTTPRequestHead
    private let pace: Pace
    private let promise: EventLoopPromise<PacedLoad.Answers>
    private var answers = PacedLoad.Answers()
    private var due: [ContinuousClock.Instant] = []
    private var isBusy = false

    init(head: HTTPRequestHead, pace: Pace, promise: EventLoopPromise<PacedLoad.Answers>) {
        self.head = head
        self.pace = pace
        self.promise = promise
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is Begin else { return context.fireUserInboundEventTriggered(event) }
        let begin = NIODeadline.now() + .milliseconds(50) + pace.first
        let clock = ContinuousClock.now
        let offset = Duration.milliseconds(50) + .nanoseconds(pace.first.nanoseconds)
        for index in 0..<pace.count {
            let after = pace.interval * index
            let instant = clock + offset + .nanoseconds(after.nanoseconds)
            context.eventLoop.assumeIsolated().scheduleTask(deadline: begin + after) {
                self.due.append(instant)
                self.sendNext(context)
            }
        }
    }

    private func sendNext(_ context: ChannelHandlerContext) {
        guard !isBusy, !due.isEmpty else { return }
        isBusy = true
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): answers.statuses.insert(Int(head.status.code))
        case .body: break
        case .end:
            answers.latencies.append(due.removeFirst().duration(to: .now))
            isBusy = false
            guard answers.latencies.count < pace.count else { return promise.succeed(answers) }
            sendNext(context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(BenchmarkError("the server closed a connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
