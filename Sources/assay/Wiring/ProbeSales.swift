// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gateway
import Ledger
import Logging
import OutboundHTTP
import Postgres
import ServiceLifecycle
import ServiceProbing
import Settings

/// Probes for callers, as `assay serve` sells them.
struct ProbeSales {
    let routes: [APIRoute]
    let services: [any Service]

    init(_ settings: Settings, _ client: PostgresClient, ledger: Ledger, logger: Logger) throws {
        let prices = ProbePrices(
            base: settings.satoshi(.probePrice),
            look: settings.satoshi(.probeLookPrice),
            maximum: settings.satoshi(.probeMaximum),
            feeLimit: settings.satoshi(.probeFeeLimit)
        )
        let limits = ProbeLimits(
            perHour: settings.integer(.probesPerHour) ?? 20,
            perHolderAndHour: settings.integer(.probesPerToken) ?? 10
        )
        let desk = ProbeDesk(client, limits: limits)
        // What is answered later than a request may take would be paid for by us.
        let longest = Duration.milliseconds(settings.integer(.requestTimeout) ?? 30_000) - .seconds(5)
        routes = APIRoute.probes(
            ProbeCounter(
                desk: desk,
                endpoints: EndpointStore(client),
                prices: prices,
                policy: try .probing(settings),
                patience: min(.seconds(25), max(.zero, longest))
            )
        )
        services = [
            desk,
            ProbeRefunds(store: ProbeRequestStore(client), ledger: ledger, prices: prices, logger: logger),
        ]
    }
}
