// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Hummingbird
internal import HummingbirdCore
package import IPAddresses
package import Logging
internal import NIOCore
internal import NIOHTTP1

/// The address of a server is another process's.
package struct AddressTaken: Error, CustomStringConvertible {
    package let host: String
    package let port: Int

    package var description: String { "cannot listen on \(host), TCP port \(port): another process does" }
}

/// Listens on one address; heads, framing and connections are bounded alike, whoever answers.
package struct EdgeServer: Sendable {
    package let host: String
    /// 0 for any free one.
    package let port: Int
    /// Connections at a time; more wait to be accepted.
    package var maxConnections: Int
    /// How long a request's head may take.
    package var headTimeout: Duration
    /// The most bytes of one header field, and of all of a request together.
    package var maxFieldSize = 12 * 1024
    package var maxHeadSize = 32 * 1024
    /// The field `Server`; `nil` sends none.
    package var name: String?
    /// What the log says once it listens.
    package var announcement = "listening"

    package init(host: String, port: Int, maxConnections: Int, headTimeout: Duration) {
        self.host = host
        self.port = port
        self.maxConnections = maxConnections
        self.headTimeout = headTimeout
    }

    /// Serves until graceful shutdown; requests under way are finished.
    ///
    /// - Parameter onListening: told the port once the server listens.
    /// - Throws: ``AddressTaken``.
    package func run<Responder: HTTPResponder>(
        _ responder: Responder,
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void
    ) async throws where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .notice)
        // A slow client must not hold a connection for ever, and headers are bounded before they are looked at.
        let http1 = HTTP1Channel.Configuration(
            additionalChannelHandlers: [HeadDeadline(TimeAmount(headTimeout)), FramingGuard(), DateField()],
            idleTimeout: .seconds(60),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: maxFieldSize,
                maxHeaderListSize: maxHeadSize,
                maxHeaderFieldCount: 64
            )
        )
        let application = Application(
            responder: responder,
            server: .http1(configuration: http1),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                serverName: name,
                backlog: 4096,
                availableConnectionsDelegate: MaximumAvailableConnections(maxConnections)
            ),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.info("\(announcement)", metadata: ["http.host": "\(host)", "http.port": "\(port)"])
                onListening(port)
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw AddressTaken(host: host, port: port)
        }
    }
}

/// What travels with a request: where it came from.
package struct PeerContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// The other end of the connection.
    package let peer: IPAddress?

    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
    }
}
