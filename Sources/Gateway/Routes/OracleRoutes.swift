// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import Charts
internal import HTTPTypes
internal import NIOCore
public import Oracle
internal import TrustScore

extension APIRoute {
    /// What the oracle says about itself.
    public static func accountability(_ oracle: TrustOracle) -> [APIRoute] {
        [figures(oracle), diagram(oracle)]
    }

    private static let cached: HTTPFields = [.cacheControl: "public, max-age=300"]

    private static func figures(_ oracle: TrustOracle) -> APIRoute {
        APIRoute(
            .get,
            "/api/oracle/calibration",
            limiter: .discovery,
            documentation: RouteDocumentation(
                "How the published probabilities fared within seven days",
                answer: .calibration
            ),
            access: .free { _ in try APIResponse.data(oracle.calibration.answer, headers: cached) }
        )
    }

    private static func diagram(_ oracle: TrustOracle) -> APIRoute {
        APIRoute(
            .get,
            "/api/oracle/calibration.svg",
            limiter: .discovery,
            documentation: RouteDocumentation(
                "The same as a reliability diagram",
                query: [.init("group", .string, "A group of /api/oracle/calibration; default overall")]
            ),
            access: .free { request in
                let board = oracle.calibration
                let group = request.query["group"] ?? "overall"
                guard board.groups.contains(group) else {
                    let known = board.groups.joined(separator: ", ")
                    throw APIError(.validationError, "group must be one of \(known)", details: ["field": "group"])
                }
                let svg = ReliabilityDiagram(group: group, board.figures(of: group)).svg
                var headers = cached
                headers[.contentType] = "image/svg+xml; charset=utf-8"
                headers[.contentSecurityPolicy] =
                    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
                return APIResponse(headers: headers, body: ByteBuffer(string: svg))
            }
        )
    }
}

extension ReliabilityDiagram {
    fileprivate init(group: String, _ figures: CalibrationFigures?) {
        func short(_ value: Double) -> String { String((value * 1000).rounded() / 1000) }
        let note = figures.map {
            "Brier \(short($0.brier.value)), calibration error \(short($0.ece.value)), "
                + "by chance alone \(short($0.noise_floor.mean))"
        }
        self.init(
            title: "Foretold and observed within seven days: \(group)",
            note: note ?? "no outcomes",
            points: (figures?.curve ?? []).map {
                Point(predicted: $0.predicted, observed: $0.observed, low: $0.low, high: $0.high, count: $0.n)
            }
        )
    }
}
