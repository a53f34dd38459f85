// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes

extension APIRoute {
    /// Health, readiness and liveness.
    public static func health(_ monitor: HealthMonitor) -> [APIRoute] {
        struct Live: Encodable { let status: String }
        let report = APIRoute(
            .get,
            "/api/health",
            limiter: .unlimited,
            documentation: RouteDocumentation(
                "State of the service, its database, node, scores and jobs",
                query: [.init("strict", .integer, "1: answer 503 also when the service is degraded")]
            ),
            access: .free { request in
                let report = await monitor.report()
                let isStrict = request.query["strict"] == "1"
                let isBad = report.status == "error" || (isStrict && report.status != "ok")
                var answer = try APIResponse.data(report, headers: [.cacheControl: "no-store"])
                if isBad { answer.status = .serviceUnavailable }
                return answer
            }
        )
        let live = APIRoute(
            .get,
            "/api/health/live",
            limiter: .unlimited,
            documentation: RouteDocumentation("Whether the process answers"),
            access: .free { _ in try APIResponse.data(Live(status: "ok")) }
        )
        let ready = APIRoute(
            .get,
            "/api/health/ready",
            limiter: .unlimited,
            documentation: RouteDocumentation("Whether requests can be served: database, schema, scores"),
            access: .free { _ in
                guard await monitor.isReady() else {
                    throw APIError.retryLater(.serviceUnavailable, "Not ready yet.", seconds: 1)
                }
                return try APIResponse.data(Live(status: "ready"))
            }
        )
        return [report, live, ready]
    }

    /// Which build this is.
    public static func version(_ version: String, commit: String, buildDate: String) -> APIRoute {
        struct Answer: Encodable {
            let version: String
            let commit: String
            let buildDate: String
        }
        return APIRoute(
            .get,
            "/api/version",
            limiter: .version,
            documentation: RouteDocumentation("Version, commit and build date"),
            access: .free { _ in
                let answer = Answer(version: version, commit: commit, buildDate: buildDate)
                return try APIResponse.data(answer, headers: [.cacheControl: "public, max-age=60"])
            }
        )
    }
}
