// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gateway
import KeyShareServer
import KeyShareWatch
import Logging
import Postgres
import ServiceLifecycle
import Settings

/// The watch over key share nodes within `assay serve`; nothing where KS_NODES names none.
struct KeyShareWatchWiring {
    let sites: [MountedSite]
    let services: [any Service]

    /// - Throws: ``Failure``.
    init(_ settings: Settings, _ client: PostgresClient, gateway: GatewayConfiguration, logger: Logger) async throws {
        guard let path = settings.text(.keyShareNodes) else {
            (sites, services) = ([], [])
            return
        }
        let nodes: [WatchedNode]
        let bytes = try KeyShareWiring.secretFile(KeyShareWiring.expanded(path), .keyShareNodes)
        do throws(WatchedNode.Invalid) { nodes = try WatchedNode.list(json: bytes) } catch {
            throw Failure(Failure.configuration, "\(Setting.keyShareNodes.name): \(error)")
        }
        let watch = NodeWatch(nodes: nodes, client: client, logger: logger)
        let site = NodeWatchSite(watch: watch, trustedProxies: gateway.trustedProxies, logger: logger)
        sites = [
            MountedSite(
                name: "keyshare-watch",
                takes: { site.takes($0) },
                respond: { await site.respond(to: $0, peer: $1) }
            )
        ]
        services = [watch]
    }
}
