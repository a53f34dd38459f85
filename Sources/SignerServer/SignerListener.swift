// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPEdge
internal import Hummingbird
public import Logging
public import ServiceLifecycle

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
        let server = EdgeServer(
            host: configuration.host,
            port: configuration.port,
            maxConnections: configuration.maxConnections,
            headTimeout: configuration.headTimeout
        )
        try await server.run(SiteResponder(site: site), logger: logger, onListening: onListening)
    }
}

private struct SiteResponder: HTTPResponder {
    let site: SignerSite

    func respond(to request: Request, context: PeerContext) async throws -> Response {
        await site.respond(to: request, peer: context.peer)
    }
}
