// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import LND
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A node on a loopback socket that answers every request as it is told.
final class FakeNode: Sendable {
    struct Reply: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body = ""
        /// Closes the connection instead of answering.
        var hangsUp = false
        /// Says nothing at all.
        var isSilent = false
    }

    private struct State {
        var reply: @Sendable (String) -> Reply
        var requests: [String] = []
    }

    private let state: Mutex<State>
    private let channel: any Channel
    private let directory: URL
    private let configuration: LNDConfiguration
    private static let logger = Logger(label: "lnd") { _ in SwiftLogNoOpLogHandler() }
    let client: LNDClient

    /// Another client of the node.
    func client(_ breakers: LNDBreakers) -> LNDClient {
        LNDClient(configuration: configuration, breakers: breakers, logger: Self.logger)
    }

    /// Listens, answering by path.
    init(_ reply: @escaping @Sendable (String) -> Reply) async throws {
        let state = Mutex(State(reply: reply))
        self.state = state
        directory = FileManager.default.temporaryDirectory.appending(path: "assay-lnd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let macaroon = directory.appending(path: "readonly.macaroon")
        try Data([1, 2, 3]).write(to: macaroon)
        let box = Box()
        channel = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        var deadlines = LNDConfiguration.Deadlines()
        // Time is not what these tests are about, and the machine may be busy.
        deadlines.connect = .seconds(30)
        deadlines.state = .seconds(30)
        deadlines.read = .seconds(30)
        deadlines.invoice = .seconds(30)
        configuration = LNDConfiguration(
            restURL: "http://127.0.0.1:\(channel.localAddress?.port ?? 0)",
            tlsCertificatePath: nil,
            macaroonPath: macaroon.path,
            deadlines: deadlines
        )
        client = LNDClient(configuration: configuration, logger: Self.logger)
        box.node.withLock { $0 = self }
    }

    /// The paths asked for so far.
    var requests: [String] { state.withLock(\.requests) }

    func answer(_ reply: @escaping @Sendable (String) -> Reply) { state.withLock { $0.reply = reply } }

    func stop() async {
        await client.shutdown()
        try? await channel.close()
        try? FileManager.default.removeItem(at: directory)
    }

    fileprivate func reply(to path: String) -> Reply {
        let reply = state.withLock { state in
            state.requests.append(path)
            return state.reply
        }
        return reply(path)
    }

    fileprivate final class Box: Sendable {
        let node = Mutex<FakeNode?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let box: Box
        private var path = ""

        init(_ box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): path = head.uri
            case .body: break
            case .end: answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            guard let reply = box.node.withLock({ $0 })?.reply(to: path), !reply.hangsUp else {
                return context.close(promise: nil)
            }
            guard !reply.isSilent else { return }
            var headers = HTTPHeaders(reply.headers)
            headers.replaceOrAdd(name: "Content-Length", value: "\(reply.body.utf8.count)")
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: reply.status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: reply.body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}

/// Runs a fake node for the length of a test.
func withFakeNode(
    _ reply: @escaping @Sendable (String) -> FakeNode.Reply,
    _ body: (FakeNode) async throws -> Void
) async throws {
    let node = try await FakeNode(reply)
    do { try await body(node) } catch {
        await node.stop()
        throw error
    }
    await node.stop()
}
