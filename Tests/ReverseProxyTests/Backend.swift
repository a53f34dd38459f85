// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix
import NIOSSL
import TLSTestSupport
import Testing

/// One connection of a backend that speaks bytes, so that the test sees and decides about every one of them.
struct Connection {
    var input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    let output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var buffer = ByteBuffer()

    init(
        input: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        output: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.input = input
        self.output = output
    }

    /// Reads until a text has come, and returns everything up to its end; `nil` when the connection ends before.
    mutating func read(until end: String) async throws -> String? {
        while true {
            let text = String(buffer: buffer)
            if let range = text.firstRange(of: end) {
                let found = String(text[..<range.upperBound])
                buffer.moveReaderIndex(forwardBy: found.utf8.count)
                return found
            }
            guard let part = try await input.next() else { return nil }
            buffer.writeImmutableBuffer(part)
        }
    }

    func write(_ text: String) async throws { try await output.write(ByteBuffer(string: text)) }
}

/// Runs a backend on a free loopback port while the body runs; each connection is handed to a closure.
func withBackend(
    tls: NIOSSLContext? = nil,
    serve: @escaping @Sendable (inout Connection) async throws -> Void,
    _ body: @Sendable (_ port: Int) async throws -> Void
) async throws {
    // Connections are wrapped when they are taken: one that comes when nobody takes it any more is only closed.
    let (connections, accepted) = AsyncStream<any Channel>.makeStream()
    let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        .childChannelOption(.autoRead, value: false)
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                if case .terminated = accepted.yield(channel) { channel.close(promise: nil) }
            }
        }
        .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(server.localAddress?.port)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            await withDiscardingTaskGroup { group in
                for await channel in connections {
                    group.addTask { try? await handle(channel, serve) }
                }
            }
        }
        defer { group.cancelAll() }
        try await body(port)
        accepted.finish()
        try await server.close()
    }
}

private func handle(
    _ channel: any Channel,
    _ serve: @escaping @Sendable (inout Connection) async throws -> Void
) async throws {
    let wrapped = try await channel.eventLoop.submit {
        let wrapped = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
        try channel.syncOptions?.setOption(.autoRead, value: true)
        return wrapped
    }.get()
    try await wrapped.executeThenClose { input, output in
        var open = Connection(input: input.makeAsyncIterator(), output: output)
        try await serve(&open)
    }
}
