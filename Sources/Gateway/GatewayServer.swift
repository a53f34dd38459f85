// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Gate
internal import HTTPEdge
internal import Hummingbird
public import IPAddresses
public import Logging
public import PurchaseReceipts
public import ServiceLifecycle

/// What the HTTP server needs to know.
public struct GatewayConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0 picks a free one.
    public var port = 3000
    public var trustedProxies: [IPNetwork] = []
    public var maxConnections = 4096
    /// Bytes of a request's body.
    public var bodyLimit = 10_240
    public var requestTimeout: Duration = .seconds(30)
    /// How long a request's head may take to arrive.
    public var headTimeout: Duration = .seconds(10)
    /// How long a request's body may take to arrive.
    public var bodyTimeout: Duration = .seconds(15)
    /// Networks that are not served at all.
    public var blockList = BlockList()
    public var rateLimits = RateLimitConfiguration()
    public var version = ""
    /// Signs the answers of paid routes; `nil` leaves them unsigned.
    public var receiptSigner: ReceiptSigner?

    public init() {}
}

/// The HTTP server over a route table.
public struct GatewayServer: Service {
    private let configuration: GatewayConfiguration
    private let routes: [APIRoute]
    private let gate: Gate?
    private let services: ProxiedServices?
    private let sites: [MountedSite]
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// Makes a server.
    /// - Parameters:
    ///   - routes: the route table; the OpenAPI description is added to it.
    ///   - gate: needed when a route is paid.
    ///   - services: services of others that the gate stands in front of.
    ///   - sites: what else answers on this port.
    ///   - onListening: told the port once the server listens.
    public init(
        configuration: GatewayConfiguration,
        routes: [APIRoute],
        gate: Gate?,
        services: ProxiedServices? = nil,
        sites: [MountedSite] = [],
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.gate = gate
        self.services = services
        self.sites = sites
        self.logger = logger
        self.onListening = onListening
        let version = configuration.version
        let described = routes + Self.descriptionRoutes { throw APIError(.internalError, "") }
        self.routes = routes + Self.descriptionRoutes { try OpenAPIDocument.response(described, version: version) }
    }

    private static func descriptionRoutes(_ answer: @escaping @Sendable () throws -> APIResponse) -> [APIRoute] {
        ["/api/openapi.json", "/openapi.json"].map { path in descriptionRoute(path, answer) }
    }

    private static func descriptionRoute(
        _ path: String,
        _ answer: @escaping @Sendable () throws -> APIResponse
    ) -> APIRoute {
        APIRoute(
            .get,
            path,
            limiter: .global,
            documentation: RouteDocumentation("This description, in OpenAPI 3.1"),
            access: .free { _ in try answer() }
        )
    }

    /// Serves until graceful shutdown; requests under way are finished.
    public func run() async throws {
        let limits = RateLimits(configuration.rateLimits)
        let runner = RouteRunner(
            gate: gate,
            limits: limits,
            bodyLimit: configuration.bodyLimit,
            deadline: configuration.requestTimeout,
            bodyDeadline: configuration.bodyTimeout,
            receipts: ReceiptDesk(signer: configuration.receiptSigner, logger: logger)
        )
        let rule = ClientAddressRule(trustedProxies: configuration.trustedProxies)
        let proxy = services.map { services in
            ServiceProxy(
                services: services,
                gate: gate,
                limits: limits,
                addressRule: rule,
                native: NativePaths(routes),
                receipts: ReceiptDesk(signer: configuration.receiptSigner, logger: logger),
                logger: logger
            )
        }
        let router = APIRouter.router(
            routes,
            runner: runner,
            pipeline: RequestPipeline(
                addressRule: rule,
                blockList: configuration.blockList,
                logger: logger,
                mediaTypes: routes.reduce(into: []) { $0.formUnion($1.mediaTypes) },
                proxy: proxy,
                sites: sites
            )
        )
        var server = EdgeServer(
            host: configuration.host,
            port: configuration.port,
            maxConnections: configuration.maxConnections,
            headTimeout: configuration.headTimeout
        )
        server.name = "assay"
        try await server.run(router.buildResponder(), logger: logger, onListening: onListening)
    }
}
