// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import HTTPEdge
internal import Hummingbird
internal import HummingbirdCore
internal import IPAddresses
public import Logging
internal import NIOCore
internal import NIOHTTP1
public import ServiceLifecycle

/// The signer's address is another process's.
public struct SignerAddressTaken: Error, CustomStringConvertible {
    let host: String
    let port: Int

    public var description: String { "cannot listen on \(host), TCP port \(port): another process does" }
}

/// A signer's own HTTP server.
public struct SignerListener: Service {
    private let site: SignerSite
    private let configuration: SignerServerConfiguration
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameter onListening: told the port once the server listens.
    public init(
        site: SignerSite,
        configuration: SignerServerConfiguration,
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.site = site
        self.configuration = configuration
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown; requests under way are finished.
    public func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                HeadDeadline(TimeAmount(configuration.headTimeout)), FramingGuard(), DateField(),
            ],
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 12 * 1024,
                maxHeaderListSize: 32 * 1024,
                maxHeaderFieldCount: 64
            )
        )
        let application = Application(
            responder: SiteResponder(site: site),
            server: .http1(configuration: http1),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: nil,
                backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maxConnections)
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.info("listening", metadata: ["http.host": "\(configuration.host)", "http.port": "\(port)"])
                onListening(port)
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw SignerAddressTaken(host: configuration.host, port: configuration.port)
        }
    }
}

/// What travels with a request: where it came from.
struct SignerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress
    }
}

private struct SiteResponder: HTTPResponder {
    let site: SignerSite

    func respond(to request: Request, context: SignerContext) async throws -> Response {
        await site.respond(to: request, peer: context.peer?.ipAddress.flatMap { IPAddress($0) })
    }
}
