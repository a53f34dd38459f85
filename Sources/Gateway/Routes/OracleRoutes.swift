// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

internal import HTTPTypes
public import Oracle

extension APIRoute {
    /// What the oracle says about itself.
    public static func accountability(_ oracle: TrustOracle) -> [APIRoute] {
        [
            APIRoute(
                .get,
                "/api/oracle/calibration",
                limiter: .discovery,
                documentation: RouteDocumentation("How the published probabilities fared within seven days"),
                access: .free { _ in
                    let headers: HTTPFields = [.cacheControl: "public, max-age=300"]
                    return try APIResponse.data(oracle.calibration.answer, headers: headers)
                }
            )
        ]
    }
}
