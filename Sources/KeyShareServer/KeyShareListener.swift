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

/// The node's address is another process's.
public struct KeyShareAddressTaken: Error, CustomStringConvertible {
    let host: String
    let port: Int

    public var description: String { "cannot listen on \(host), TCP port \(port): another process does" }
}

/// An HTTP server of a key share node: for everyone, or for its administrator.
public struct KeyShareListener: Service {
    private let site: KeyShareSite
    private let door: KeyShareDoor
    private let address: KeyShareServerConfiguration.Address
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameter onListening: told the port once the server listens.
    public init(
        site: KeyShareSite,
        door: KeyShareDoor,
        address: KeyShareServerConfiguration.Address,
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.site = site
        self.door = door
        self.address = address
        self.logger = logger
        self.onListening = onListening
    }

    /// Serves until graceful shutdown; requests under way are finished.
    public func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        let configuration = site.configuration
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                HeadDeadline(TimeAmount(configuration.headTimeout)), FramingGuard(), DateField(),
            ],
            idleTimeout: .seconds(60),
            // The largest token that a login may have goes into one field.
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 20 * 1024,
                maxHeaderListSize: 40 * 1024,
                maxHeaderFieldCount: 64
            )
        )
        let application = Application(
            responder: SiteResponder(site: site, door: door),
            server: .http1(configuration: http1),
            configuration: ApplicationConfiguration(
                address: .hostname(address.host, port: address.port),
                serverName: nil,
                backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maxConnections)
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.info(
                    door == .main ? "listening" : "listening for the administrator",
                    metadata: ["http.host": "\(address.host)", "http.port": "\(port)"]
                )
                onListening(port)
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw KeyShareAddressTaken(host: address.host, port: address.port)
        }
    }
}

/// What travels with a request: where it came from.
struct SiteContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let peer: SocketAddress?

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress
    }
}

private struct SiteResponder: HTTPResponder {
    let site: KeyShareSite
    let door: KeyShareDoor

    func respond(to request: Request, context: SiteContext) async throws -> Response {
        await site.respond(to: request, peer: context.peer?.ipAddress.flatMap { IPAddress($0) }, door: door)
    }
}
