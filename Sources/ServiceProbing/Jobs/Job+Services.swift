// Assay: a Lightning trust oracle with a native L402 gateway.
// SPDX-License-Identifier: Apache-2.0

public import Crawler
internal import Logging
internal import Metrics
public import Registries
internal import Synchronization

extension Job {
    /// Looks at services free of charge, each when its own time has come.
    public static func endpointHealth(
        _ round: EndpointRound,
        store: EndpointStore,
        interval: Duration = .seconds(15)
    ) -> Job {
        let lastNews = Mutex<ContinuousClock.Instant?>(nil)
        return Job(name: "endpoint_health", interval: interval, timeout: .seconds(900)) { context in
            let report = try await round.run()
            try await store.forgetOldInvoices()
            guard report.checked > 0 else { return }
            // The oracle loads everything anew, so it is told once a minute at most.
            let isNews = lastNews.withLock { last in
                guard last.map({ $0 + .seconds(60) < .now }) ?? true else { return false }
                last = .now
                return true
            }
            if isNews { try await store.announce() }
            context.logger.info(
                "services checked",
                metadata: [
                    "services.checked": "\(report.checked)", "services.working": "\(report.working)",
                    "services.cut_off": "\(report.cutOff)",
                ]
            )
        }
    }

    /// Takes what a directory lists into the catalogue.
    ///
    /// - Parameter read: asks the directory.
    public static func registry(
        _ source: ServiceSource,
        store: EndpointStore,
        caps: HostCaps,
        interval: Duration = .seconds(86_400),
        isAllowed: @escaping @Sendable (String) -> Bool,
        read: @escaping @Sendable () async -> RegistryClient.Run
    ) -> Job {
        let name = "registry_" + source.rawValue.filter { $0.isLetter || $0.isNumber }
        return Job(name: name, interval: interval, timeout: .seconds(900)) { context in
            let run = await read()
            let report = try await store.ingest(run.services, caps: caps, isAllowed: isAllowed)
            var outcomes = run.skipped.merging(report.skipped, uniquingKeysWith: +)
            outcomes["added"] = report.added
            outcomes["updated"] = report.updated
            for (outcome, count) in outcomes where count > 0 {
                let labels = [("source", source.rawValue), ("outcome", outcome)]
                Counter(label: "registry_endpoints_total", dimensions: labels).increment(by: count)
            }
            context.logger.info(
                "directory read",
                metadata: [
                    "registry.source": "\(source.rawValue)", "registry.pages": "\(run.pages)",
                    "registry.added": "\(report.added)", "registry.updated": "\(report.updated)",
                ]
            )
            // What was read counts; the rest is tried again before the next day.
            if let interruption = run.interruption { throw interruption }
        }
    }

    /// Buys from services, within the budgets.
    public static func paidProbes(_ probes: PaidProbes, store: EndpointStore, interval: Duration) -> Job {
        Job(name: "paid_probes", interval: interval, timeout: .seconds(900)) { context in
            let outcomes = try await probes.run()
            guard !outcomes.isEmpty else { return }
            try await store.announce()
            let text = outcomes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            context.logger.info("paid probes made", metadata: ["probe.outcomes": "\(text)"])
        }
    }

    /// Probes nodes with HTLCs that nobody can claim.
    public static func htlcProbes(_ probes: HTLCProbes, interval: Duration = .seconds(60)) -> Job {
        Job(name: "htlc_probes", interval: interval, timeout: .seconds(900)) { _ in try await probes.run() }
    }

    /// Asks the node what became of payments without an end: at boot, and again and again.
    public static func paymentResumption(_ purse: Purse, interval: Duration = .seconds(60)) -> Job {
        Job(name: "payment_resumption", interval: interval, timeout: .seconds(600)) { context in
            let ended = try await purse.resume()
            if ended > 0 { context.logger.info("payments resumed", metadata: ["payments": "\(ended)"]) }
        }
    }
}
