// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gate
import Gateway
import HTTPTypes
import L402
import LND
import Ledger
import LightningPrimitives
import Logging
import Macaroons
import Metrics
import Migrations
import NIOCore
import Postgres
import PrometheusExposition
import ServiceLifecycle

/// The gateway under test: the product's server, gate, ledger and metrics over canned handlers.
enum GatewayProcess {
    struct Place: Codable {
        let port: Int
        /// `Authorization` values of tokens that have been paid for.
        let credentials: [String]
    }

    /// As large as a score; nginx serves the same bytes.
    static let body = ByteBuffer(string: "{\"data\":\"" + String(repeating: "x", count: 500) + "\"}")

    static func run(directory: String, databaseURL: String) async throws {
        ChildProcess.endWithParent()
        MetricsSystem.bootstrap(PrometheusRegistry(catalogue: MetricDescription.all))
        var logger = Logger(label: "gateway")
        logger.logLevel = .error
        let node = try await ChildProcess.announcement(NodeProcess.Place.self, at: "\(directory)/node.json")
        let lnd = LNDClient(
            configuration: LNDConfiguration(
                restURL: node.url,
                tlsCertificatePath: node.certificate,
                macaroonPath: node.macaroon
            ),
            logger: logger
        )
        let client = PostgresClient(Ledger.clientConfiguration(connectionString: databaseURL), logger: logger)
        try await Migrator(client: client, logger: logger).migrate()
        let ledger = Ledger(client: client, logger: logger)
        let ring = try KeyRing(secret: [UInt8](repeating: 1, count: 32))
        let readiness = NodeReadiness(lnd: lnd, logger: logger)
        await readiness.check()
        let revocations = Revocations(client: client, logger: logger)
        let gate = Gate(
            configuration: unlimited,
            keyRing: ring,
            lnd: lnd,
            readiness: readiness,
            ledger: ledger,
            settledInvoices: SettledInvoices(client: client),
            revocations: revocations,
            operators: OperatorAccess(bypassSecret: nil),
            logger: logger
        )
        let credentials = try await credentials(ring, ledger)
        var configuration = GatewayConfiguration()
        configuration.port = 0
        configuration.rateLimits.requestsPerMinute = [:]
        let server = GatewayServer(configuration: configuration, routes: routes(ring), gate: gate, logger: logger) {
            try? ChildProcess.announce(Place(port: $0, credentials: credentials), at: "\(directory)/gateway.json")
        }
        let group = ServiceGroup(
            services: [client, readiness, revocations, gate.settlements, server],
            logger: logger
        )
        try await group.run()
    }

    /// The product's configuration without the limits that keep one client from taking everything.
    private static var unlimited: GateConfiguration {
        var configuration = GateConfiguration()
        configuration.challengesPerSecond = 1e9
        configuration.challengeBurst = 1e9
        configuration.serviceChallengesPerSecond = 1e9
        configuration.openInvoiceLimit = 10_000_000
        configuration.requestsPerSecond = 1e9
        configuration.requestBurst = 1e9
        return configuration
    }

    private static let product = PaidProduct(
        capability: "score",
        price: .sat(1),
        method: "GET",
        pathPrefix: nil
    )

    /// The same canned answer behind more and more of the gate.
    private static func routes(_ ring: KeyRing) -> [APIRoute] {
        let headers: HTTPFields = [.contentType: "application/json"]
        let canned = APIResponse(headers: headers, body: body)
        func free(_ path: String, _ handler: @escaping @Sendable (APIRequest) throws -> APIResponse) -> APIRoute {
            APIRoute(.get, path, limiter: .unlimited, documentation: RouteDocumentation(path), access: .free(handler))
        }
        return [
            free("/free") { _ in canned },
            free("/verified") { request in
                let headers = request.headers
                let reading = CredentialReader.read { name in HTTPField.Name(name).map { headers[values: $0] } ?? [] }
                guard case .credential(let credential) = reading else { throw BenchmarkError("a credential of ours") }
                let scope = RequestScope(
                    service: product.service,
                    capability: product.capability,
                    method: request.method.rawValue,
                    path: request.path,
                    clientAddress: request.client,
                    now: Int64(Date().timeIntervalSince1970)
                )
                _ = try ring.verify(credential, for: scope)
                return canned
            },
            APIRoute(
                .get,
                "/paid",
                limiter: .global,
                documentation: RouteDocumentation("/paid"),
                access: .paid(product) { _ in { _ in canned } }
            ),
        ]
    }

    /// Tokens of four caveats with more credit than a run can spend.
    private static func credentials(_ ring: KeyRing, _ ledger: Ledger) async throws -> [String] {
        var lines: [String] = []
        for _ in 0..<256 {
            let preimage = ring.preimage(for: .call)
            let terms = TokenTerms(
                service: product.service,
                capabilities: [product.capability],
                validUntil: 4_000_000_000,
                method: product.method
            )
            let macaroon = ring.mint(paymentHash: preimage.paymentHash, terms: terms)
            _ = try await ledger.open(
                SettledPayment(
                    paymentHash: preimage.paymentHash,
                    tokenID: L402Identifier(macaroon.identifier)?.tokenID.bytes ?? [],
                    service: product.service,
                    tier: 0,
                    purpose: "call",
                    paid: .sat(100_000_000),
                    expiresAt: nil
                )
            )
            lines.append("L402 \(macaroon.token):\(preimage.hex)")
        }
        return lines
    }
}
