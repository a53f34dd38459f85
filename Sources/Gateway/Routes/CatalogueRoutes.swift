// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import HTTPTypes
internal import LightningPrimitives
public import Oracle

extension APIRoute {
    /// The catalogue of L402 services, free of charge.
    public static func catalogue(_ oracle: TrustOracle) -> [APIRoute] {
        [services(oracle), categories(oracle)]
            + ["/api/services/{url_hash}", "/api/endpoint/{url_hash}"].map { service(oracle, path: $0) }
    }

    private static func services(_ oracle: TrustOracle) -> APIRoute {
        let orders = ServiceQuery.Order.allCases.map(\.rawValue).joined(separator: ", ")
        return APIRoute(
            .get,
            "/api/services",
            limiter: .discovery,
            documentation: RouteDocumentation(
                "Services that are sold over L402, with the probability that a call works",
                query: [
                    .init("q", .string, "Part of name, description, provider or URL; at most 100 characters"),
                    .init("category", .string, "A category or its beginning up to a slash; at most 50 characters"),
                    .init("minPSuccess", .string, "Least probability of a whole call, 0 to 1"),
                    .init("minUptime", .string, "Least share of good checks, 0 to 1"),
                    .init("sort", .string, "One of \(orders); default checks"),
                    .init("all", .string, "1 lists deprecated services and those that are down, too"),
                    .init("limit", .integer, "Rows, 1 to 100; default 20"),
                    .init("offset", .integer, "Rows to skip; default 0"),
                ],
                answer: .serviceListing
            ),
            access: .free { request in
                let query = try serviceQuery(request, orders: orders)
                let (services, nodes) = (oracle.services, oracle.snapshot)
                let page = services.list(query, nodes: nodes, now: Int64(Date().timeIntervalSince1970))
                return try APIResponse.data(page.data, meta: page.meta)
            }
        )
    }

    private static func categories(_ oracle: TrustOracle) -> APIRoute {
        APIRoute(
            .get,
            "/api/services/categories",
            limiter: .discovery,
            documentation: RouteDocumentation("Categories of services", answer: .categories),
            access: .free { _ in try APIResponse.data(oracle.services.categories()) }
        )
    }

    private static func service(_ oracle: TrustOracle, path: String) -> APIRoute {
        APIRoute(
            .get,
            path,
            limiter: .discovery,
            documentation: RouteDocumentation(
                "One service: the five stages of a call, with evidence and advice",
                answer: .service
            ),
            access: .free { request in
                let text = request.parameter("url_hash")
                guard let hash = ServiceHash(hex: text) else {
                    throw APIError(
                        .validationError,
                        "url_hash must be the SHA-256 of the canonical URL in 64 hex digits, got \(text.count) characters",
                        details: ["field": "url_hash"]
                    )
                }
                let now = Int64(Date().timeIntervalSince1970)
                guard let answer = oracle.services.answer(hash, nodes: oracle.snapshot, now: now) else {
                    throw APIError.notFound("service")
                }
                return try APIResponse.data(answer)
            }
        )
    }

    private static func serviceQuery(_ request: APIRequest, orders: String) throws(APIError) -> ServiceQuery {
        var query = ServiceQuery()
        (query.limit, query.offset) = try request.page()
        query.text = try request.text("q", atMost: 100)
        query.category = try request.text("category", atMost: 50)
        query.leastProbability = try request.share("minPSuccess")
        query.leastUptime = try request.share("minUptime")
        query.includesAll = request.query["all"] == "1"
        if let name = request.query["sort"] {
            guard let order = ServiceQuery.Order(rawValue: name) else {
                throw APIError(.validationError, "sort must be one of \(orders)", details: ["field": "sort"])
            }
            query.order = order
        }
        return query
    }
}

extension APIRequest {
    /// A text of the query; `nil` when it is absent or empty.
    fileprivate func text(_ name: String, atMost limit: Int) throws(APIError) -> String? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard text.count <= limit else {
            throw APIError(
                .validationError,
                "\(name) must have at most \(limit) characters, got \(text.count)",
                details: ["field": name]
            )
        }
        return text
    }

    /// A number of the query from 0 to 1.
    fileprivate func share(_ name: String) throws(APIError) -> Double? {
        guard let text = query[name] else { return nil }
        guard let value = Double(text), (0...1).contains(value) else {
            throw APIError(.validationError, "\(name) must be a number from 0 to 1", details: ["field": name])
        }
        return value
    }
}
