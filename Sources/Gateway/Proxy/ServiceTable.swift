// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Gate
internal import LightningPrimitives
public import ServiceCatalogue
internal import Synchronization

/// The services behind the gate as they are now; replaced as a whole when their file changes.
public final class ServiceTable: Sendable {
    struct Snapshot: Sendable {
        var catalogue = Catalogue.empty
        var upstreams: [String: ServiceUpstream] = [:]
    }

    private let state = Mutex(Snapshot())

    /// A table without services.
    public init() {}

    /// Puts a catalogue in force; requests under way end with the one they began with.
    ///
    /// - Parameter files: the contents of the files that the catalogue names, by path.
    /// - Throws: ``ServiceFileError``; then nothing changes.
    public func use(_ catalogue: Catalogue, files: [String: [UInt8]]) throws(ServiceFileError) {
        let former = snapshot.upstreams
        var upstreams: [String: ServiceUpstream] = [:]
        for service in catalogue.services {
            upstreams[service.name] = try ServiceUpstream(service, files: files, former: former[service.name])
        }
        let fresh = Snapshot(catalogue: catalogue, upstreams: upstreams)
        state.withLock { $0 = fresh }
    }

    /// The names of all services.
    public var names: [String] { snapshot.catalogue.services.map(\.name) }

    /// What the services sell.
    public var sold: [SoldRoute] {
        snapshot.catalogue.services.flatMap { service in
            service.routes.filter { $0.auth == .on && !$0.price.isFree }.flatMap { route in
                route.methods.names.map { SoldRoute(service, route, method: $0) }
            }
        }
    }

    var snapshot: Snapshot { state.withLock { $0 } }
}

extension SoldRoute {
    fileprivate init(_ service: CatalogueService, _ route: CatalogueRoute, method: String) {
        let price: MilliSatoshi
        var formula: String?
        switch route.price {
        case .fixed(let fixed): price = fixed
        case .sized(let sized):
            formula = route.price.summary
            // The least there is: an empty body's.
            if case .price(let least, _) = RoutePrice.sized(sized).quote(bodyBytes: 0) {
                price = least
            } else {
                price = sized.least
            }
        }
        self.init(
            method: method,
            path: route.pattern.description,
            summary: "\(service.name): \(route.capability)",
            product: PaidProduct(service, route, price: price),
            priceFormula: formula,
            freePerDay: route.freePerDay ?? service.freePerDay
        )
    }
}

extension PaidProduct {
    /// What a route of a service sells; tokens are bound to method and path only where these are fixed.
    init(_ service: CatalogueService, _ route: CatalogueRoute, price: MilliSatoshi) {
        var schemes: Schemes = []
        if route.schemes.contains(.l402) { schemes.insert(.l402) }
        if route.schemes.contains(.payment) { schemes.insert(.payment) }
        let isFixed = route.pattern.isLiteral
        self.init(
            service: service.name,
            tier: route.tier,
            capability: route.capability,
            route: "\(service.name)/\(route.capability)",
            price: price,
            requestsPerInvoice: route.requestsPerInvoice,
            method: isFixed ? route.methods.single : nil,
            pathPrefix: isFixed ? route.pattern.description : nil,
            tokenLifetimeSeconds: service.tokenLifetimeSeconds,
            schemes: schemes
        )
    }
}
