// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
public import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

extension ReverseProxy {
    /// What a backend says to a request to upgrade.
    public enum UpgradeAnswer: Sendable {
        case upgraded(Tunnel)
        /// Any other answer than 101, with at most 64 KiB of its body.
        case refused(UpstreamResponse)
    }

    /// Asks the backend to make a WebSocket of a connection of its own.
    ///
    /// - Parameter eventLoop: the client's.
    public func upgrade(_ request: UpstreamRequest, on eventLoop: any EventLoop) async throws(UpstreamError)
        -> UpgradeAnswer
    {
        do {
            return try await dial(request, eventLoop)
        } catch {
            throw Self.upstreamError(error)
        }
    }

    private func dial(_ request: UpstreamRequest, _ eventLoop: any EventLoop) async throws -> UpgradeAnswer {
        var headers = HTTPHeaders(request.headers)
        if !headers.contains(name: "Host") { headers.add(name: "Host", value: target.authority) }
        headers.add(name: "Connection", value: "Upgrade")
        headers.add(name: "Upgrade", value: "websocket")
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: request.target, headers: headers)
        let answer = eventLoop.makePromise(of: UpgradeHandshake.Answer.self)
        let ended = eventLoop.makePromise(of: Void.self)
        let (channel, ends): (any Channel, NIOLoopBound<Tunnel.Ends>)
        do {
            (channel, ends) = try await connect(head, eventLoop, answer, ended)
        } catch {
            answer.fail(error)
            ended.fail(error)
            throw error
        }
        do {
            switch try await answer.futureResult.get() {
            case .upgraded(let head):
                var fields = ForwardedHeaders.response(HTTPFields(head.headers))
                fields[.connection] = "upgrade"
                fields[.upgrade] = "websocket"
                let response = HTTPResponse(status: .switchingProtocols, headerFields: fields)
                return .upgraded(try await Self.tunnel(response, channel, ends, ended, target))
            case .refused(let head, let body):
                ended.succeed(())
                var fields = ForwardedHeaders.response(HTTPFields(head.headers))
                // The body may have been cut.
                fields[.contentLength] = String(body.readableBytes)
                let status = HTTPResponse.Status(code: Int(head.status.code), reasonPhrase: head.status.reasonPhrase)
                return .refused(
                    UpstreamResponse(status: status, headers: fields, body: UpstreamBody(source: .bytes(body)))
                )
            }
        } catch {
            ended.succeed(())
            channel.close(promise: nil)
            throw error
        }
    }

    private static func tunnel(
        _ head: HTTPResponse,
        _ channel: any Channel,
        _ ends: NIOLoopBound<Tunnel.Ends>,
        _ ended: EventLoopPromise<Void>,
        _ target: UpstreamTarget
    ) async throws -> Tunnel {
        try await channel.eventLoop.submit {
            Tunnel(head: head, backend: channel, ends: ends.value, ended: ended, target: target)
        }.get()
    }

    private func connect(
        _ head: HTTPRequestHead,
        _ eventLoop: any EventLoop,
        _ answer: EventLoopPromise<UpgradeHandshake.Answer>,
        _ ended: EventLoopPromise<Void>
    ) async throws -> (any Channel, NIOLoopBound<Tunnel.Ends>) {
        let (tls, target) = (tls, target)
        let ends = try await eventLoop.submit { NIOLoopBound(Tunnel.Ends(ended: ended), eventLoop: eventLoop) }.get()
        let channel = try await ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(target.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls {
                        let name = target.serverName ?? target.host
                        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : name)
                        )
                    }
                    let encoder = HTTPRequestEncoder()
                    let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .forwardBytes))
                    let handshake = UpgradeHandshake(
                        request: head,
                        answer: answer,
                        timeout: TimeAmount(target.responseTimeout),
                        codecs: [encoder, decoder]
                    )
                    try pipeline.addHandlers(encoder, decoder, handshake, ends.value.backend)
                }
            }
            .connect(host: target.host, port: target.port).get()
        return (channel, ends)
    }
}
