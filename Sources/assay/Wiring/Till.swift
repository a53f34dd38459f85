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
import Postgres
import ServiceLifecycle
import Settings

/// Everything that takes money: ledger, gate, revocations and operators, with the routes and services that belong to it.
struct Till {
    let ledger: Ledger
    let gate: Gate
    let operators: OperatorAccess
    let routes: [APIRoute]
    /// In the order of starting.
    let services: [any Service]

    init(
        _ settings: Settings,
        keyRing: KeyRing,
        lnd: LNDClient,
        readiness: NodeReadiness,
        _ client: PostgresClient,
        logger: Logger
    ) throws {
        let ledger = Ledger(client: client, logger: logger)
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
            logger: logger
        )
        self.ledger = ledger
        self.gate = gate
        self.operators = operators
        routes = APIRoute.tokens(gate, services: { ["assay"] }) + APIRoute.deposits(gate, service: "assay")
        services = [
            revocations, credentials, gate.settlements, InvoiceExpiry(gate: gate),
            HoldSweeper(ledger: ledger, logger: logger),
        ]
    }
}

extension KeyRing {
    /// The configured ring; there is no gate without one.
    init(_ settings: Settings) throws {
        do {
            if let ring = settings.secret(.keyRing) {
                self = try KeyRing(parsing: ring.text)
                return
            }
            if let secret = settings.secret(.l402Secret) {
                self = try KeyRing(parsing: "0 mint \(secret.text)")
                return
            }
        } catch {
            throw Failure(Failure.configuration, "the L402 key is not valid: \(error)")
        }
        throw Failure(
            Failure.configuration,
            """
            L402_MACAROON_SECRET is not set; without it nobody could tell a paid token from a forged one. Make one:
              umask 077; echo "0 mint $(openssl rand -hex 32)" > l402-key-ring; export ASSAY_L402_KEY_RING_FILE=$PWD/l402-key-ring
            """
        )
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
