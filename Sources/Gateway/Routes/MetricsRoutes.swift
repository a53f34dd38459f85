// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
internal import NIOCore
public import PrometheusExposition

extension APIRoute {
    /// Prometheus' route.
    public static func metrics(_ registry: PrometheusRegistry, access: MetricsAccess) -> APIRoute {
        APIRoute(
            .get,
            "/metrics",
            limiter: .metrics,
            documentation: RouteDocumentation("Metrics in the Prometheus text format, or OpenMetrics by Accept"),
            access: .free { request in
                try access.check(request)
                let format = ExpositionFormat(accept: request.headers[.accept])
                let headers: HTTPFields = [
                    .contentType: format.contentType, .cacheControl: "no-store", .vary: "Accept",
                ]
                return APIResponse(headers: headers, body: ByteBuffer(string: registry.render(format)))
            }
        )
    }
}
