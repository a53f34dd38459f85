// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPEdge
internal import HTTPTypes
internal import Hummingbird
internal import IPAddresses
public import Ledger
internal import LightningPrimitives
internal import Logging
internal import Metrics
internal import NIOCore
internal import ReverseProxy
internal import ServiceCatalogue

/// The services of others that a server puts its gate in front of.
public struct ProxiedServices: Sendable {
    public let table: ServiceTable
    /// Counts free requests; `nil` gives none away.
    public let allowances: FreeAllowances?

    public init(table: ServiceTable, allowances: FreeAllowances?) {
        self.table = table
        self.allowances = allowances
    }
}

/// Answers the requests that belong to a service: matches, charges, forwards.
///
/// The order is fixed: route, method, size, price, free allowance, gate, backend. What was held is settled when the
/// backend's answer has begun with 2xx or 3xx, before it is passed on; everything else gives it back.
struct ServiceProxy: Sendable {
    /// An answer with what the pipeline needs to know about it.
    struct Answer {
        var response: Response
        /// The route's name in metrics: a closed set.
        let route: String
        /// Whether a backend made it, whose headers are left alone.
        let isForwarded: Bool
    }

    let services: ProxiedServices
    /// `nil` in processes that sell nothing.
    let gate: Gate?
    let limits: RateLimits
    let addressRule: ClientAddressRule
    let native: NativePaths
    let receipts: ReceiptDesk
    let logger: Logger

    /// Whether a service answers: it names the request's host, or no route of ours has the path.
    func takes(_ request: Request) -> Bool {
        let catalogue = services.table.snapshot.catalogue
        guard !catalogue.services.isEmpty else { return false }
        if catalogue.claims(authority: request.head.authority) { return true }
        guard !native.contains(request.uri.path) else { return false }
        if case .none = match(catalogue, request) { return false }
        return true
    }

    private func match(_ catalogue: Catalogue, _ request: Request) -> CatalogueMatch {
        catalogue.match(authority: request.head.authority, method: request.method.rawValue, path: request.uri.path)
    }

    func respond(_ request: Request, _ context: APIContext) async throws -> Answer {
        let snapshot = services.table.snapshot
        switch match(snapshot.catalogue, request) {
        case .none: throw APIError.notFound("resource")
        case .badPath:
            throw APIError(.malformedRequest, "The path holds .., a backslash or a wrong escape; write it plainly.")
        case .methodNotAllowed(let allow):
            let list = allow.joined(separator: ", ")
            if request.method == .options { return Self.preflight(list) }
            throw APIError(.methodNotAllowed, "This path answers \(list).", headers: [.allow: list])
        case .found(let finding):
            guard let upstream = snapshot.upstreams[finding.service.name] else { throw APIError.notFound("resource") }
            if request.method == .options, finding.route.isSoldByAnyMethod { return Self.preflight(Self.commonMethods) }
            return try await Exchange(self, finding, upstream, request, context).answer()
        }
    }

    /// OPTIONS is answered here unless a route lists it: a browser that asks whether it may pay is not asked to.
    private static func preflight(_ allow: String) -> Answer {
        Answer(response: APIRouter.preflight(allow), route: "proxy preflight", isForwarded: false)
    }

    private static let commonMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
}

extension CatalogueRoute {
    fileprivate var isSoldByAnyMethod: Bool { methods == .any && auth == .on && !price.isFree }
}
