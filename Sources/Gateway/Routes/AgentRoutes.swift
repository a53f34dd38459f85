// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Gate
internal import HTTPTypes
public import LightningPrimitives
internal import Metrics
public import Oracle

/// What the oracle's paid routes cost.
public struct OraclePrices: Sendable {
    public var profile: MilliSatoshi
    public var verdicts: MilliSatoshi

    public init(profile: MilliSatoshi, verdicts: MilliSatoshi) {
        self.profile = profile
        self.verdicts = verdicts
    }
}

extension APIRoute {
    private static let loading = "The scores are being loaded; repeat the request"

    /// What the oracle answers free of charge.
    public static func index(_ oracle: TrustOracle) -> [APIRoute] {
        let stats = APIRoute(
            .get,
            "/api/stats",
            limiter: .global,
            documentation: RouteDocumentation("Counts of the index and the network", answer: .stats),
            access: .free { _ in try APIResponse.data(oracle.snapshot.stats()) }
        )
        let paging: [RouteDocumentation.QueryParameter] = [
            .init("limit", .integer, "Rows, 1 to 100; default 20"),
            .init("offset", .integer, "Rows to skip; default 0"),
        ]
        let axes = SortAxis.allCases.map(\.rawValue).joined(separator: ", ")
        let top = APIRoute(
            .get,
            "/api/agents/top",
            limiter: .discovery,
            documentation: RouteDocumentation(
                "The best nodes",
                query: paging + [.init("sort_by", .string, "One of \(axes); default score")],
                answer: .nodeListing
            ),
            access: .free { request in
                let (limit, offset) = try request.page()
                let name = request.query["sort_by"] ?? SortAxis.score.rawValue
                guard let axis = SortAxis(rawValue: name) else {
                    throw APIError(.validationError, "sort_by must be one of \(axes)", details: ["field": "sort_by"])
                }
                let answer = oracle.snapshot.top(limit: limit, offset: offset, sortBy: axis, now: Date())
                return try APIResponse.data(answer.data, meta: answer.meta)
            }
        )
        let search = APIRoute(
            .get,
            "/api/agents/search",
            limiter: .discovery,
            documentation: RouteDocumentation(
                "Nodes whose alias holds a text",
                query: [.init("alias", .string, "1 to 100 characters, upper or lower case")] + paging,
                answer: .nodeListing
            ),
            access: .free { request in
                let (limit, offset) = try request.page()
                let alias = request.query["alias"] ?? ""
                guard (1...100).contains(alias.count) else {
                    throw APIError(
                        .validationError,
                        "alias must have 1 to 100 characters, got \(alias.count)",
                        details: ["field": "alias"]
                    )
                }
                let answer = oracle.snapshot.search(alias: alias, limit: limit, offset: offset, now: Date())
                return try APIResponse.data(answer.data, meta: answer.meta)
            }
        )
        let agent = APIRoute(
            .get,
            "/api/agent/{ident}",
            limiter: .discovery,
            documentation: RouteDocumentation("What is known of a node", answer: .nodeAnswer, unavailable: loading),
            access: .free { request in
                let node = try request.node()
                guard let answer = try oracle.loaded.agent(node, now: Date()) else {
                    throw APIError.notFound("agent")
                }
                return try APIResponse.data(answer)
            }
        )
        return [stats, top, search, agent]
    }

    /// What the oracle sells.
    public static func paid(_ oracle: TrustOracle, prices: OraclePrices) -> [APIRoute] {
        let profile = APIRoute(
            .get,
            "/api/profile/{ident}",
            limiter: .global,
            documentation: RouteDocumentation(
                "The trust profile of a node: both scores, components, reachability",
                answer: .profile,
                unavailable: loading
            ),
            access: .paid(
                PaidProduct(
                    capability: "profile",
                    price: prices.profile,
                    method: "GET",
                    pathPrefix: "/api/profile"
                ),
                { request in
                    // Looked up first: what is not there is not sold.
                    let node = try request.node()
                    guard let answer = try oracle.loaded.profile(node, now: Date()) else {
                        throw APIError.notFound("agent")
                    }
                    return { _ in try APIResponse.data(answer) }
                }
            )
        )
        let verdicts = APIRoute(
            .post,
            "/api/verdicts",
            limiter: .global,
            documentation: RouteDocumentation(
                "Verdicts on up to 100 nodes, in the order asked for",
                bodyExample: "{\"hashes\": [\"<public key or hash>\"]}",
                answer: .verdicts,
                unavailable: loading
            ),
            access: .paid(
                PaidProduct(
                    capability: "verdicts",
                    price: prices.verdicts,
                    method: "POST",
                    pathPrefix: "/api/verdicts"
                ),
                { request in
                    let nodes = try Self.nodes(of: request)
                    let snapshot = try oracle.loaded
                    return { _ in
                        let verdicts = snapshot.verdicts(nodes, now: Date())
                        for (verdict, count) in Dictionary(grouping: verdicts, by: \.bayesian.verdict).mapValues(
                            \.count
                        ) {
                            let labels = [("verdict", verdict), ("source", "verdicts")]
                            Counter(label: "verdict_total", dimensions: labels).increment(by: Int64(count))
                        }
                        return try APIResponse.data(verdicts)
                    }
                }
            )
        )
        return [profile, verdicts]
    }

    private static func nodes(of request: APIRequest) throws(APIError) -> [NodeIdentifier] {
        struct Body: Decodable { let hashes: [String] }
        let hashes = try request.decoded(Body.self).hashes
        guard (1...100).contains(hashes.count) else {
            throw APIError(
                .validationError,
                "hashes must have 1 to 100 elements, got \(hashes.count)",
                details: ["field": "hashes"]
            )
        }
        var nodes: [NodeIdentifier] = []
        for (index, text) in hashes.enumerated() {
            guard let node = NodeIdentifier(text) else {
                throw APIError(
                    .validationError,
                    "hashes[\(index)] must be a public key of 66 or a hash of 64 hex digits, got \(text.count) characters",
                    details: ["field": "hashes"]
                )
            }
            nodes.append(node)
        }
        return nodes
    }
}

extension TrustOracle {
    /// The newest scores.
    /// - Throws: ``APIError`` with 503 before they are loaded: nothing must be said or sold of what is not known yet.
    fileprivate var loaded: ScoreSnapshot {
        get throws(APIError) {
            guard isLoaded else {
                throw .retryLater(.serviceUnavailable, "The scores are being loaded; repeat the request.", seconds: 1)
            }
            return snapshot
        }
    }
}
