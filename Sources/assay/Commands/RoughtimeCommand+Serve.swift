// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import Gateway
import HTTPTypes
import Logging
import Metrics
import PrometheusExposition
import Roughtime
import RoughtimeKeys
import RoughtimeLink
import RoughtimeResponder
import ServiceLifecycle
import Settings

extension RoughtimeCommand {
    /// Answers Roughtime requests.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Answer Roughtime requests by UDP and TCP, in every version of the protocol.",
            discussion: """
                Needs the long-term public key (ASSAY_ROUGHTIME_PUBLIC_KEY_PATH, or the credential longterm.pub) and \
                'assay roughtime delegate', which signs for the online key that is made here and never written. \
                Takes sockets from systemd when it hands some over; else it opens those of ASSAY_ROUGHTIME_LISTEN.

                Metrics and health: http://127.0.0.1:ASSAY_ROUGHTIME_METRICS_PORT/metrics and /healthz.
                """
        )

        @Option(help: .hidden)
        var parent: Int32?

        func run() async throws {
            let settings = try Settings.load()
            let logger = Logs.start("assay.roughtime", level: Logs.level(settings))
            let registry = MetricsSetup.start(settings)
            do { try ProcessMemory.protect() } catch { logger.warning("\(error)") }
            Gauge(
                label: "roughtime_build_info",
                dimensions: [("version", BuildInfo.current.version), ("commit", BuildInfo.current.commit)]
            ).record(1)
            let environment = ProcessInfo.processInfo.environment
            let publicKey = try RoughtimeWiring.publicKey(settings, environment)
            let holder = IdentityHolder()
            let options = try RoughtimeWiring.options(settings)
            let responder: Responder
            do {
                responder = try Responder(
                    options: options,
                    longTermPublicKey: publicKey,
                    holder: holder,
                    environment: { environment[$0] },
                    logger: logger
                )
            } catch {
                throw Failure(Failure.unavailable, "\(error)")
            }
            let keeper = DelegationKeeper(
                options: try RoughtimeWiring.keeping(settings, environment, versions: options.versions),
                longTermPublicKey: publicKey,
                holder: holder,
                logger: logger
            )
            let http = try Self.metrics(settings, registry, responder, logger)
            try await Services.run([http, keeper, responder].compactMap { $0 }, parent: parent, logger: logger)
        }

        /// Metrics and health on the loopback; nil when they are off.
        private static func metrics(
            _ settings: Settings,
            _ registry: PrometheusRegistry,
            _ responder: Responder,
            _ logger: Logger
        ) throws -> (any Service)? {
            var configuration = GatewayConfiguration()
            configuration.port = settings.integer(.roughtimeMetricsPort) ?? 9092
            guard configuration.port > 0 else { return nil }
            let health = APIRoute(
                .get,
                "/healthz",
                limiter: .unlimited,
                documentation: RouteDocumentation("Whether times are signed, and with which delegation"),
                access: .free { _ in
                    let status = responder.status()
                    // As the workers do: nothing is signed in the last minute.
                    let now = Int64(Date().timeIntervalSince1970) + OnlineIdentity.reserve / 1_000_000
                    let isAnswering = status.radius != nil && status.delegation.map { now < $0.notAfter } == true
                    return try APIResponse.json(status, status: isAnswering ? .ok : .serviceUnavailable)
                }
            )
            let routes = [APIRoute.metrics(registry, access: MetricsSetup.access(settings)), health]
            return GatewayServer(configuration: configuration, routes: routes, gate: nil, logger: logger)
        }
    }
}
