// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Gate
import Gateway
import L402
import LND
import Ledger
import LightningPrimitives
import Logging
import Metrics
import Postgres
import ServiceLifecycle
import Settings
import WatchedFiles

/// Everything that takes money: ledger, gate, revocations and operators, with the routes and services that belong to it.
struct Till {
    let ledger: Ledger
    let gate: Gate
    let operators: OperatorAccess
    let routes: [APIRoute]
    /// Has files read anew on SIGHUP.
    let reload: ReloadSignals
    /// Services of others behind the gate.
    let proxied: ServicesWiring
    /// In the order of starting.
    let services: [any Service]

    init(
        _ settings: Settings,
        keyRing: KeyRing,
        lnd: LNDClient,
        readiness: NodeReadiness,
        clock: ClockGuard,
        _ client: PostgresClient,
        logger: Logger
    ) async throws {
        let ledger = Ledger(client: client, configuration: try LedgerConfiguration(settings), logger: logger)
        let revocations = Revocations(client: client, logger: logger)
        let credentials = OperatorCredentials(client: client, logger: logger)
        let operators = OperatorAccess(
            bypassSecret: settings.secret(.operatorSecret)?.text,
            apiKey: settings.secret(.apiKey)?.text,
            credentials: credentials
        )
        let gate = Gate(
            configuration: try GateConfiguration(settings),
            keyRing: keyRing,
            lnd: lnd,
            readiness: readiness,
            ledger: ledger,
            settledInvoices: SettledInvoices(client: client),
            revocations: revocations,
            operators: operators,
            clock: clock,
            logger: logger
        )
        self.ledger = ledger
        self.gate = gate
        self.operators = operators
        let proxied = try await ServicesWiring(settings, client, logger: logger)
        self.proxied = proxied
        let names: @Sendable () -> [String] = { [table = proxied.table] in ["assay"] + table.names }
        let desk = AdminDesk(
            operators: operators,
            ledger: ledger,
            gate: gate,
            revocations: revocations,
            credentials: credentials,
            services: names
        )
        routes =
            APIRoute.tokens(gate, services: names) + APIRoute.deposits(gate, service: "assay") + APIRoute.admin(desk)
        let reload = ReloadSignals(logger: logger)
        let watch = Self.watch(settings, gate: gate, logger: logger)
        if let files = proxied.files { reload.add { await files.reload() } }
        if let watch { reload.add { await watch.reload() } }
        self.reload = reload
        services =
            (watch.map { [$0] } ?? []) + proxied.services + [
                reload, revocations, credentials, gate.settlements, InvoiceExpiry(gate: gate),
                HoldSweeper(ledger: ledger, logger: logger),
            ]
    }
}

extension Till {
    /// Takes the key ring anew whenever its file changes; a file that is not a ring changes nothing.
    private static func watch(_ settings: Settings, gate: Gate, logger: Logger) -> FileWatch? {
        guard case .file(let path) = settings.origin(.keyRing) else { return nil }
        return FileWatch(WatchedFile(path: path, limit: 64 * 1024)) { finding in
            do {
                let contents = try finding.get()
                let ring = try KeyRing(parsing: String(decoding: contents.bytes, as: UTF8.self))
                gate.use(ring)
                Gauge(label: "l402_key_ring_reload_ok").record(1)
                logger.notice("key ring in force", metadata: ["l402.ring": "\(ring)"])
            } catch {
                Gauge(label: "l402_key_ring_reload_ok").record(0)
                logger.error("the key ring was not taken; the one before stays", metadata: ["error": "\(error)"])
            }
        }
    }
}

extension LedgerConfiguration {
    init(_ settings: Settings) throws {
        let lifetime = Duration.seconds(settings.integer(.holdLifetime) ?? 90)
        let longest = Duration.milliseconds(settings.integer(.requestTimeout) ?? 30_000)
        guard lifetime >= longest + .seconds(5) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.holdLifetime.name) must be at least 5 s more than \(Setting.requestTimeout.name)"
            )
        }
        self.init(holdLifetime: lifetime)
    }
}

extension GateConfiguration {
    init(_ settings: Settings) throws {
        self.init()
        invoiceExpirySeconds = settings.integer(.invoiceExpiry) ?? invoiceExpirySeconds
        tokenLifetimeSeconds = settings.integer(.tokenLifetime).map(Int64.init) ?? tokenLifetimeSeconds
        challengesPerSecond = settings.integer(.challengeRate).map(Double.init) ?? challengesPerSecond
        challengeBurst = settings.integer(.challengeBurst).map(Double.init) ?? challengeBurst
        serviceChallengesPerSecond =
            settings.integer(.totalChallengeRate).map(Double.init) ?? serviceChallengesPerSecond
        openInvoiceLimit = settings.integer(.openInvoices) ?? openInvoiceLimit
        proofOfWorkBits = settings.integer(.proofOfWork) ?? proofOfWorkBits
        freeMissesPerHour = settings.integer(.freeMisses).map(Double.init) ?? freeMissesPerHour
        requestsPerSecond = settings.integer(.credentialRate).map(Double.init) ?? requestsPerSecond
        requestBurst = requestsPerSecond * 2
        offersPayment = settings.isOn(.paymentScheme)
        acceptsBareDeposits = settings.isOn(.bareDeposits)
        do {
            deposits = try DepositSchedule(
                parsing: settings.text(.depositTiers) ?? "",
                maximumSats: Int64(settings.integer(.depositMaximum) ?? 1_000_000)
            )
        } catch {
            throw Failure(Failure.configuration, "\(Setting.depositTiers.name): \(error)")
        }
    }
}
