// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import LND
import LightningPrimitives

/// LND's path-finding as a second opinion.
struct LNDRouteFinder: RouteFinder {
    let lnd: LNDClient

    func find(from source: NodeID?, to target: NodeID, amount: MilliSatoshi, feeLimit: MilliSatoshi) async
        -> RouteFinding
    {
        do {
            _ = try await lnd.queryRoutes(
                RouteQuery(target: target, amount: amount, source: source, feeLimit: feeLimit)
            )
            return .found
        } catch {
            return error.meaning == .noRoute || error.meaning == .notFound ? .none : .unknown
        }
    }
}
