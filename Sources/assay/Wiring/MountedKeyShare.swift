// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gate
import Gateway
import HTTPTypes
import Hummingbird
import KeyShareProtocol
import KeyShareServer
import LightningPrimitives
import Logging
import NIOCore
import PrometheusExposition
import ServiceLifecycle
import Settings

/// A key share node within `assay serve`, under /ks of the gateway's port.
struct MountedKeyShare {
    static let prefix = "/ks"

    /// What answers on the gateway's port without being paid.
    let site: MountedSite
    /// What the gate sells.
    let routes: [APIRoute]
    let services: [any Service]

    /// - Parameter environment: holds the node's settings; PORT is the gateway's.
    init(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        registry: PrometheusRegistry,
        gateway: GatewayConfiguration,
        logger: Logger
    ) async throws {
        let settings = try Settings.keyShare(environment)
        let prices = try KeySharePrices(settings).prices
        let wiring = try await KeyShareWiring(
            settings,
            registry: registry,
            mounted: .init(prefix: Self.prefix, trustedProxies: gateway.trustedProxies),
            logger: logger
        )
        let node = wiring.site
        site = MountedSite(
            name: "keyshare",
            takes: { request in
                guard node.takes(request) else { return false }
                // Other methods than POST are the node's to refuse.
                let route = KeyShareRoute(path: request.uri.path.dropFirst(Self.prefix.count))
                return request.method != .post || route.map { prices[$0] == nil } ?? true
            },
            respond: { await node.respond(to: $0, peer: $1) }
        )
        routes = prices.sorted { $0.key.rawValue < $1.key.rawValue }.map { Self.sold($0.key, $0.value, node) }
        services = wiring.services
    }

    /// A route behind the gate, which has admitted a request before anything of its body is read as JSON.
    private static func sold(_ route: KeyShareRoute, _ price: MilliSatoshi, _ node: KeyShareSite) -> APIRoute {
        let path = prefix + route.rawValue
        let name = "keyshare" + route.rawValue.dropFirst("/keyshare".count).replacing("/", with: "-")
        let product = PaidProduct(
            capability: name.hasSuffix("-") ? String(name.dropLast()) : name,
            price: price,
            method: "POST",
            pathPrefix: path.hasSuffix("/") ? String(path.dropLast()) : path
        )
        var sold = APIRoute(
            .post,
            path,
            limiter: .global,
            documentation: RouteDocumentation("A call of the key share node; \(prefix)/api_docs describes it"),
            access: .paid(product) { request in { _ in await Self.answer(request, node) } }
        )
        sold.bodyLimit = KeyShareProtocol.RequestBody.maximumCount
        return sold
    }

    private static func answer(_ request: APIRequest, _ node: KeyShareSite) async -> APIResponse {
        let head = HTTPRequest(
            method: request.method,
            scheme: "http",
            authority: request.authority,
            path: request.target,
            headerFields: request.headers
        )
        let reply = await node.reply(to: Request(head: head, body: .init(buffer: request.body)), client: request.client)
        return APIResponse(status: reply.status, headers: reply.headers, body: reply.body)
    }
}
