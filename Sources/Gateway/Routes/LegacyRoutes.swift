// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import Metrics

extension APIRoute {
    /// Routes of the API that went before; they say where to go.
    public static let legacy: [APIRoute] = ["decide", "best-route"].flatMap { name in
        [HTTPRequest.Method.get, .post].map { method in
            APIRoute(
                method,
                "/api/\(name)",
                limiter: .global,
                documentation: RouteDocumentation("Removed; see /api/openapi.json", isRemoved: true),
                access: .free { _ in
                    Counter(label: "legacy_endpoint_calls_total", dimensions: [("endpoint", name)]).increment()
                    throw APIError(
                        .endpointRemoved,
                        "This endpoint has been removed; /api/openapi.json lists what there is.",
                        details: ["from": "/api/\(name)", "see": "/api/openapi.json"]
                    )
                }
            )
        }
    }
}
