// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Hummingbird

/// Puts a route table into a router, with the answers that every path has: HEAD, OPTIONS and 405.
enum APIRouter {
    static func router(_ routes: [APIRoute], runner: RouteRunner, pipeline: RequestPipeline) -> Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.add(middleware: pipeline)
        let paths = Dictionary(grouping: routes, by: \.path)
        for (path, routes) in paths {
            var methods = routes.map(\.method)
            for route in routes {
                router.on(RouterPath(path), method: route.method) { request, context in
                    try await runner.run(route, request, context).response
                }
            }
            if let get = routes.first(where: { $0.method == .get }) {
                methods.append(.head)
                router.on(RouterPath(path), method: .head) { request, context in
                    try await runner.head(get, request, context).response
                }
            }
            let allow = (methods + [.options]).map(\.rawValue).sorted().joined(separator: ", ")
            router.on(RouterPath(path), method: .options) { _, _ in preflight(allow) }
            for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete]
            where !methods.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw APIError(.methodNotAllowed, "This path answers \(allow).", headers: [.allow: allow])
                }
            }
        }
        return router
    }

    /// OPTIONS: never creates an invoice.
    static func preflight(_ allow: String) -> Response {
        let headers: HTTPFields = [
            .allow: allow, .accessControlAllowMethods: allow,
            .accessControlAllowHeaders:
                "Authorization, Content-Type, Grpc-Metadata-Macaroon, Idempotency-Key, L402-PoW, "
                + "X-Request-Id, X-L402",
            .accessControlMaxAge: "600",
        ]
        return Response(status: .ok, headers: headers)
    }
}
