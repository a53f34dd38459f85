// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Gateway
import Logging
import PrometheusExposition
import ServiceLifecycle
import Settings
import SignerServer

/// A signer within `assay serve`: on a listener of its own, or on the gateway's port by host name and path.
struct MountedSigner {
    /// What answers on the gateway's port.
    let sites: [MountedSite]
    let services: [any Service]

    init(
        _ settings: Settings,
        registry: PrometheusRegistry,
        gateway: GatewayConfiguration,
        logger: Logger
    ) async throws {
        let isMounted = settings.text(.signerMount) == "gateway"
        if !isMounted, gateway.port != 0, settings.integer(.signerPort) == gateway.port {
            throw Failure(
                Failure.configuration,
                """
                \(Setting.signerPort.name) and \(Setting.port.name) are both \(gateway.port): choose another port for the \
                signer, or \(Setting.signerMount.name)=gateway
                """
            )
        }
        guard !isMounted || !SignerWiring.isTest(settings) else {
            throw Failure(
                Failure.configuration,
                "TEST_MODE mails no codes but prints them: it does not go with \(Setting.signerMount.name)=gateway"
            )
        }
        let wiring = try await SignerWiring(settings, registry: registry, logger: logger)
        guard isMounted else {
            sites = []
            services =
                wiring.services + [SignerListener(site: wiring.site, configuration: wiring.server, logger: logger)]
            return
        }
        let site = wiring.site
        sites = [
            MountedSite(name: "signer", takes: { site.takes($0) }, respond: { await site.respond(to: $0, peer: $1) })
        ]
        services = wiring.services
    }
}
