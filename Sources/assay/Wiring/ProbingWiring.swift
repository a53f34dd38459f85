// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

import Crawler
import Foundation
import IPAddresses
import LND
import LightningPrimitives
import Logging
import OutboundHTTP
import Postgres
import Registries
import ServiceLifecycle
import ServiceProbing
import Settings
import Synchronization

/// Everything that asks and pays services: jobs and the worker for callers' probes.
struct ProbingWiring {
    let jobs: [Job]
    let services: [any Service]
    private let payer: LNDClient?

    init(
        _ settings: Settings,
        lnd: LNDClient,
        breakers: LNDBreakers,
        _ client: PostgresClient,
        owner: String,
        logger: Logger
    ) throws {
        let http = try OutboundHTTPClient.probing(settings)
        let policy = try AddressPolicy.probing(settings)
        let network = NodeFacts(lnd)
        let checker = ServiceChecker(http, network: { await network.status()?.network })
        let store = EndpointStore(client)
        let isAllowed: @Sendable (String) -> Bool = { text in
            guard let url = try? OutboundURL(text), policy.allows(port: url.port) else { return false }
            if case .address(let address) = url.host { return policy.allows(address) }
            return true
        }
        let round = EndpointRound(
            store: store,
            checker: checker,
            deprecationThreshold: settings.integer(.deprecationThreshold) ?? 3,
            logger: logger
        )
        let payer = try LNDClient.payer(settings, breakers: breakers, logger: logger)
        self.payer = payer
        let till = payer.map { Payments($0, checker, http, client, logger) }
        var jobs: [Job] = [.endpointHealth(round, store: store)]
        jobs += Self.registries(settings, http, store, isAllowed)
        jobs += till.map { $0.jobs(settings, store, client, logger) } ?? []
        self.jobs = jobs
        let worker: [any Service] = [
            ProbeWorker(
                requests: ProbeRequestStore(client),
                endpoints: store,
                checker: checker,
                buyer: till?.buyer,
                budget: SpendBudget(
                    perPayment: settings.satoshi(.probeMaximum),
                    perCycle: settings.satoshi(.probeMaximum) + settings.satoshi(.probeFeeLimit),
                    perDay: settings.satoshi(.probeDayBudget)
                ),
                requestDeadline: .milliseconds(settings.integer(.probeTimeout) ?? 15_000),
                owner: owner,
                logger: logger
            )
        ]
        services = worker + (payer.map { [LNDWatch([(.pay, $0)], isMainNode: false)] } ?? [])
    }

    func shutdown() async { await payer?.shutdown() }

    private static func registries(
        _ settings: Settings,
        _ http: OutboundHTTPClient,
        _ store: EndpointStore,
        _ isAllowed: @escaping @Sendable (String) -> Bool
    ) -> [Job] {
        let directories = RegistryClient(http)
        let caps = HostCaps(
            perRun: settings.integer(.hostCapPerRun) ?? 50,
            total: settings.integer(.hostCapTotal) ?? 100
        )
        let interval = Duration.milliseconds(settings.integer(.registryInterval) ?? 86_400_000)
        func job(_ source: ServiceSource, _ setting: Setting, _ read: @escaping Reading) -> Job? {
            guard let base = settings.text(setting), base.lowercased() != "off" else { return nil }
            return .registry(source, store: store, caps: caps, interval: interval, isAllowed: isAllowed) {
                await read(base)
            }
        }
        return [
            job(.index402, .registry402Index) { await directories.index402($0) },
            job(.l402Directory, .registryL402Directory) { await directories.l402Directory($0) },
        ].compactMap { $0 }
    }

    private typealias Reading = @Sendable (String) async -> RegistryClient.Run
}

/// The paying node and what is done with it.
private struct Payments {
    let node: LNDClient
    let facts: NodeFacts
    let ledger: SpendLedger
    let purse: Purse
    let buyer: ServiceBuyer

    init(
        _ node: LNDClient,
        _ checker: ServiceChecker,
        _ http: OutboundHTTPClient,
        _ client: PostgresClient,
        _ logger: Logger
    ) {
        self.node = node
        let facts = NodeFacts(node)
        self.facts = facts
        let own: @Sendable () async -> NodeID? = { await facts.status()?.identity }
        ledger = SpendLedger(client)
        purse = Purse(node, ledger: ledger, paths: PathEvidence(client), ownNode: own, logger: logger)
        buyer = ServiceBuyer(checker: checker, http: http, purse: purse, ownNode: own)
    }

    func jobs(_ settings: Settings, _ store: EndpointStore, _ client: PostgresClient, _ logger: Logger) -> [Job] {
        var jobs: [Job] = [.paymentResumption(purse)]
        let hours = Duration.seconds((settings.integer(.paidProbeInterval) ?? 6) * 3600)
        let interval = settings.integer(.paidProbeIntervalExact).map { Duration.milliseconds($0) } ?? hours
        if settings.isOn(.paidProbes) {
            let limits = PaidProbeLimits(
                budget: SpendBudget(
                    perPayment: settings.satoshi(.paidProbeCap),
                    perCycle: settings.satoshi(.paidProbeCycleBudget),
                    perDay: settings.satoshi(.paidProbeDayBudget)
                ),
                probes: settings.integer(.paidProbesPerCycle) ?? 10,
                feeLimit: settings.satoshi(.paidProbeFeeLimit),
                // Less than the interval, which varies a little.
                pause: interval / .seconds(1) * 0.8
            )
            let probes = PaidProbes(store: store, buyer: buyer, ledger: ledger, limits: limits, logger: logger)
            jobs.append(.paidProbes(probes, store: store, interval: interval))
        }
        if settings.isOn(.htlcProbes) {
            var limits = HTLCProbeLimits()
            limits.amount = settings.satoshi(.htlcProbeAmount)
            let facts = facts
            let probes = HTLCProbes(
                client,
                node: node,
                ownNode: { await facts.status()?.identity },
                limits: limits,
                logger: logger
            )
            jobs.append(.htlcProbes(probes))
        }
        return jobs
    }
}

/// Who a node is and on which network, once it has said so.
final class NodeFacts: Sendable {
    struct Status: Sendable {
        let identity: NodeID
        let network: BitcoinNetwork
    }

    private let lnd: LNDClient
    private let known = Mutex<Status?>(nil)

    init(_ lnd: LNDClient) { self.lnd = lnd }

    /// `nil` while the node does not answer.
    func status() async -> Status? {
        if let known = known.withLock({ $0 }) { return known }
        guard let status = try? await lnd.nodeStatus(), let identity = NodeID(hex: status.identity),
            let network = BitcoinNetwork(rawValue: status.network)
        else { return nil }
        let facts = Status(identity: identity, network: network)
        known.withLock { $0 = facts }
        return facts
    }
}

extension LNDClient {
    /// The client of the node that pays; `nil` when nothing may be paid.
    static func payer(_ settings: Settings, breakers: LNDBreakers, logger: Logger) throws -> LNDClient? {
        guard let macaroon = settings.text(.payMacaroon) else {
            guard let wish = [Setting.paidProbes, .htlcProbes].first(where: settings.isOn) else { return nil }
            throw Failure(
                Failure.configuration,
                "\(wish.name) is on, but \(Setting.payMacaroon.name) is not set: \(Setting.payMacaroon.meaning)"
            )
        }
        let url = settings.text(.payerURL) ?? settings.text(.lndURL) ?? ""
        let isOwnNode = settings.text(.payerURL) != nil
        let certificate = settings.text(isOwnNode ? .payerCertificate : .lndCertificate)
        guard url.hasPrefix("http://") || (url.hasPrefix("https://") && certificate != nil) else {
            throw Failure(
                Failure.configuration,
                "\(Setting.payerURL.name) needs the form https://HOST:PORT and \(Setting.payerCertificate.name)"
            )
        }
        return LNDClient(
            configuration: LNDConfiguration(
                restURL: url,
                tlsCertificatePath: url.hasPrefix("https://") ? certificate : nil,
                tlsServerName: isOwnNode ? nil : settings.text(.lndServerName),
                macaroonPath: macaroon
            ),
            breakers: breakers,
            logger: logger
        )
    }
}

extension AddressPolicy {
    /// Which addresses probes may ask.
    static func probing(_ settings: Settings) throws -> AddressPolicy {
        let networks = try list(settings, .probeNetworks, "a network such as 127.0.0.0/8") { IPNetwork($0) }
        let own = try list(settings, .serverAddress, "an address such as 203.0.113.7") { IPAddress($0) }
        return AddressPolicy(allowed: networks, own: OwnAddresses.read().union(own))
    }

    private static func list<Value>(
        _ settings: Settings,
        _ setting: Setting,
        _ form: String,
        _ read: (String) -> Value?
    ) throws -> [Value] {
        try (settings.text(setting) ?? "").split(separator: ",").map { part in
            let text = part.trimmingCharacters(in: .whitespaces)
            guard let value = read(text) else {
                throw Failure(Failure.configuration, "\(setting.name): '\(text)' is not \(form)")
            }
            return value
        }
    }
}

extension OutboundHTTPClient {
    /// The one way out to strangers' servers.
    static func probing(_ settings: Settings) throws -> OutboundHTTPClient {
        OutboundHTTPClient(policy: try .probing(settings), limiter: HostLimiter())
    }
}

extension Settings {
    /// A setting in satoshi as an amount; zero when it is not set.
    func satoshi(_ setting: Setting) -> MilliSatoshi { .sat(Int64(integer(setting) ?? 0)) }
}
