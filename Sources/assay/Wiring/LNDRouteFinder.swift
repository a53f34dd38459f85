// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import LND
import LightningGraph
import LightningPrimitives
import Logging
import Metrics
import Postgres

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

extension Job {
    /// Verifies, for the node's version, what its answers about routes mean; at the start and once a day.
    static func routeMeanings(
        _ lnd: LNDClient,
        _ live: LiveGraph<LNDGraphSource>,
        follower: GraphFollower<LNDGraphSource>
    ) -> Job {
        let insert = Statement(
            "lnd.meaning",
            """
            INSERT INTO lnd_meanings (version, call, code, message, meaning) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT DO NOTHING
            """
        )
        return Job(
            name: "route_meanings",
            interval: .seconds(86_400),
            timeout: .seconds(60),
            mayRun: { follower.hasGraph }
        ) { context in
            guard let canaries = await live.canaries() else { return }
            let version = try await lnd.nodeStatus().version
            let learnt = await lnd.learnRouteMeanings(
                hub: canaries.hub,
                small: canaries.small,
                capacity: canaries.capacity,
                beyondBalance: .sat(1_000_000_000_000)
            )
            Gauge(label: "lnd_meanings_unconfirmed").record(learnt.count)
            for entry in learnt {
                context.logger.error(
                    "the node has new words for a known answer; confirm their meaning",
                    metadata: ["lnd.message": "\(entry.message)", "lnd.meaning": "\(entry.meaning)"]
                )
                try await context.session.execute(
                    insert,
                    [
                        .text(version), .text(entry.call), .int4(Int32(clamping: entry.code)),
                        .text(entry.message), .text(entry.meaning.rawValue),
                    ]
                )
            }
        }
    }
}
