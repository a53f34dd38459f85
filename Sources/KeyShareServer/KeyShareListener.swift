// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPEdge
internal import Hummingbird
public import Logging
public import ServiceLifecycle

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
        let limits = site.configuration
        var server = EdgeServer(
            host: address.host,
            port: address.port,
            maxConnections: limits.maxConnections,
            headTimeout: limits.headTimeout
        )
        // The largest token that a login may have goes into one field.
        server.maxFieldSize = 20 * 1024
        server.maxHeadSize = 40 * 1024
        if door != .main { server.announcement = "listening for the administrator" }
        try await server.run(SiteResponder(site: site, door: door), logger: logger, onListening: onListening)
    }
}

private struct SiteResponder: HTTPResponder {
    let site: KeyShareSite
    let door: KeyShareDoor

    func respond(to request: Request, context: PeerContext) async throws -> Response {
        await site.respond(to: request, peer: context.peer, door: door)
    }
}
